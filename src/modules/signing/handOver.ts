import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync, statfsSync, unlinkSync, writeSync } from 'node:fs'
import type { Material } from './materials.ts'
import { noMemory } from './problems.ts'

/** What a tool is run with. */
export interface Tool {
  command: string
  args: readonly string[]
  env?: NodeJS.ProcessEnv
  /** Where its output goes; to ours unless said otherwise. */
  output?: 'inherit' | 'pipe'
}

/** A memory file system that the kernel offers on every Linux. */
const MEMORY = '/dev/shm'
/** TMPFS_MAGIC of statfs(2). */
const TMPFS = 0x01021994
/** The first descriptor after standard input, output and error. */
const FIRST = 3

/** Hands material to a tool and waits for its end; resolves to its exit code and what it printed into a pipe. */
export type HandOver = (
  materials: readonly Material[],
  tool: Tool,
) => Promise<{ code: number; output: string }>

/**
 * Runs a tool that signs. Each material is a file in memory without a name, which the tool inherits as descriptor 3, 4 …
 * and opens as `/dev/fd/3`; their passphrases are the lines of its standard input. Nothing is written to a disk: the file
 * has lost its name before it gets its content, so a crash at any point leaves nothing; and neither swap nor a core dump
 * takes it there. Throws a Problem `signing-no-memory` where that cannot be had.
 */
export const handOver: HandOver = async (
  materials,
  { command, args, env = process.env, output = 'inherit' },
) => {
  demandMemory()
  const files = materials.map(({ content }) => nameless(content))
  try {
    // A core dump would hold what the tool read. Node cannot set limits, the shell can, and then makes way.
    const child = spawn('/bin/sh', ['-c', 'ulimit -c 0; exec "$@"', 'sh', command, ...args], {
      env,
      stdio: ['pipe', output, output === 'inherit' ? 'inherit' : 'ignore', ...files],
    })
    const ended = once(child, 'close')
    const forward = (signal: NodeJS.Signals) => child.kill(signal)
    for (const signal of SIGNALS) process.on(signal, forward)
    let printed = ''
    child.stdout?.on('data', (chunk) => {
      printed += chunk
    })
    // A tool that ends without reading it is not our failure.
    child.stdin?.on('error', () => undefined)
    child.stdin?.end(materials.map(({ passphrase }) => `${passphrase ?? ''}\n`).join(''))
    try {
      const [code] = (await ended) as [number | null]
      return { code: code ?? 1, output: printed }
    } finally {
      for (const signal of SIGNALS) process.off(signal, forward)
    }
  } finally {
    for (const file of files) closeSync(file)
  }
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** The path by which a tool opens the `i`-th material. */
export const pathOf = (i: number): string => `/dev/fd/${FIRST + i}`

/** Why material could reach a disk here; null where it cannot. */
export function wayToDisk(): string | null {
  if (process.platform !== 'linux') return 'only Linux has files in memory that a tool can open'
  if (statfsSync(MEMORY).type !== TMPFS) return `${MEMORY} is no memory file system`
  const [, ...swaps] = readFileSync('/proc/swaps', 'utf8').trim().split('\n')
  const isLocked = readFileSync('/proc/mounts', 'utf8')
    .split('\n')
    .some((line) => line.split(' ')[1] === MEMORY && /\bnoswap\b/.test(line.split(' ')[3] ?? ''))
  return swaps.length > 0 && !isLocked ? `there is swap, and ${MEMORY} is not mounted with noswap` : null
}

function demandMemory(): void {
  const way = wayToDisk()
  if (way) throw noMemory(`Signing material is not handed over: ${way}.`)
}

function nameless(content: Buffer): number {
  const path = `${MEMORY}/surety-${randomBytes(12).toString('hex')}`
  const file = openSync(path, 'wx+', 0o600)
  unlinkSync(path)
  for (let at = 0; at < content.length; ) at += writeSync(file, content, at, content.length - at, at)
  return file
}
