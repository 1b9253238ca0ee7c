import { fstatSync, readFileSync } from 'node:fs'
import { Session } from 'node:inspector'
import type { NetConnectOpts } from 'node:net'
import type { Given } from '../worker.ts'
import { waysToClimb } from './climb.ts'
import { waysToReach } from './reach.ts'
import { waysToRead } from './read.ts'
import { waysToWrite } from './write.ts'

/** What a worker that was taken over goes for. */
export interface Aims {
  /** The other tenant's file. It is a module too. */
  target: string
  /** Links in the own tenant's folder that lead to it. */
  planted: Readonly<Record<string, string>>
  /** The process that started the worker, and its descriptor of that file. */
  server: { pid: number; descriptor: number }
  secrets: string
  /** A file in memory that all processes of the machine share. */
  shared: string
  sockets: Readonly<Record<string, NetConnectOpts>>
  /** A UDP port that answers. */
  datagrams: number
  /** Whether anything is meant to be in the way. */
  confined: boolean
}

/** By what is tried: returns what it got hold of, or `reached`. */
export type Ways = Readonly<Record<string, () => unknown>>

/** What came of it. */
export interface Report {
  /** What it read from the file that it was handed. */
  own: string
  /** By what was tried: what was got hold of; null when nothing. */
  tried: Record<string, string | null>
  /** Names of its environment. */
  environment: string[]
  /** Files and folders among its open descriptors. */
  descriptors: number
  /** What Node lets it do besides. */
  abilities: string[]
}

/** Runs in the sandbox and tries to get out. */
export default async function breakOut(aims: Aims, { files }: Given): Promise<Report> {
  const ways = { ...waysToRead(aims), ...waysToReach(aims), ...waysToClimb(aims), ...waysToWrite(aims) }
  const tried: Report['tried'] = {}
  for (const [what, attempt] of Object.entries(ways)) {
    const got = await tryIt(attempt)
    tried[what] = typeof got === 'string' ? got.slice(0, 200) : null
  }
  return {
    own: Object.values(files)
      .map((descriptor) => readFileSync(descriptor, 'utf8'))
      .join(),
    tried,
    environment: Object.keys(process.env).sort(),
    descriptors: Array.from({ length: 256 }, (_, fd) => fd).filter(isFile).length,
    abilities: abilities(),
  }
}

async function tryIt(attempt: () => unknown): Promise<unknown> {
  try {
    return await attempt()
  } catch {
    return null
  }
}

function isFile(descriptor: number): boolean {
  try {
    const stats = fstatSync(descriptor)
    return stats.isFile() || stats.isDirectory()
  } catch {
    return false
  }
}

function abilities(): string[] {
  const can = {
    'load native code': () => process.dlopen({ exports: {} }, '/none.node'),
    'be inspected': () => new Session().connect(),
    'read every file': () => process.permission?.has('fs.read') === false && refuse(),
    'write every file': () => process.permission?.has('fs.write') === false && refuse(),
  }
  return Object.entries(can).flatMap(([what, attempt]) => {
    try {
      attempt()
      return [what]
    } catch (error) {
      // What was loaded and is no native code was let through.
      return (error as { code?: string }).code === 'ERR_DLOPEN_FAILED' ? [what] : []
    }
  })
}

function refuse(): never {
  throw new Error('refused')
}
