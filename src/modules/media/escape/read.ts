import { createReadStream, linkSync, openSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { pathToFileURL } from 'node:url'
import type { Aims, Ways } from './breakOut.ts'

const UP = '../'.repeat(24)

/** Ways to the other tenant's file, and to what lies beside it, through the file system. */
export function waysToRead({ target, planted, server, secrets, shared }: Aims): Ways {
  const read = (path: string) => readFileSync(path, 'utf8')
  const proc = `/proc/${server.pid}`
  return {
    'an absolute path': () => read(target),
    'a path that goes up': () => read(UP + target.slice(1)),
    'a stream': () => text(createReadStream(target)),
    'importing it as a module': async () => (await import(pathToFileURL(target).href)).default,
    'listing its folder': () => readdirSync(dirname(target)).includes(basename(target)) && 'reached',
    'listing the folder of secrets': () => readdirSync(secrets).length > 0 && 'reached',
    'its own root in /proc': () => read(`/proc/self/root${target}`),
    'the root of the server in /proc': () => read(`${proc}/root${target}`),
    'the working directory of the server in /proc': () => read(`${proc}/cwd/${UP}${target.slice(1)}`),
    'a descriptor of the server in /proc': () => read(`${proc}/fd/${server.descriptor}`),
    'the environment of the server in /proc': () => read(`${proc}/environ`).length > 0 && 'reached',
    'the memory of the server in /proc': () => openSync(`${proc}/mem`, 'r') && 'reached',
    ...Object.fromEntries(
      Object.entries(planted).map(([what, path]) => [`planted: ${what}`, () => read(path)]),
    ),
    'a symbolic link of its own': () => through(symlinkSync, target),
    'a hard link of its own': () => through(linkSync, target),
    'memory that is shared': () => read(shared),
  }
}

function through(link: (target: string, path: string) => void, target: string): string {
  const path = join(tmpdir(), `link-${process.pid}`)
  link(target, path)
  try {
    return readFileSync(path, 'utf8')
  } finally {
    rmSync(path)
  }
}
