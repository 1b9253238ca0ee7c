import { createHash } from 'node:crypto'
import { rmSync } from 'node:fs'
import { connect, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { defineProblem } from '../../kernel/problems.ts'

const inUse = defineProblem({
  code: 'local-server-in-use',
  status: 500,
  title: 'The data directory is in use',
})

/**
 * Claims `what` (such as `postgres /srv/app/.data`) for this process, so that no second one starts a server on the same
 * files. The kernel ends the claim with the process, also after `kill -9`. Throws a Problem that names the holder's pid.
 */
export async function claim(what: string): Promise<() => Promise<void>> {
  const address = claimAddress(what)
  let server = await listen(address)
  if (!server) {
    const holder = await askHolder(address)
    if (holder) throw inUse(`${what} is in use by process ${holder}. Stop that process first.`)
    if (process.platform === 'darwin') rmSync(address, { force: true })
    server = await listen(address)
  }
  if (!server) throw inUse(`${what} is in use by a process that is just starting or ending. Try again.`)
  const held = server
  return () => new Promise((resolve) => held.close(() => resolve()))
}

function claimAddress(what: string): string {
  const id = `surety-${createHash('sha256').update(what).digest('hex').slice(0, 32)}`
  // Linux: an abstract socket, which leaves no file behind. Padded because Node versions differ in padding it.
  if (process.platform === 'linux') return `\0${id.padEnd(107, '-')}`
  return process.platform === 'win32' ? `\\\\.\\pipe\\${id}` : join(tmpdir(), `${id}.sock`)
}

function listen(address: string): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.on('error', () => {}).end(String(process.pid)))
    server.on('error', (error: NodeJS.ErrnoException) =>
      error.code === 'EADDRINUSE' ? resolve(undefined) : reject(error),
    )
    server.listen(address, () => resolve(server))
    server.unref()
  })
}

function askHolder(address: string): Promise<number | undefined> {
  return new Promise((resolve) => {
    let answer = ''
    const socket = connect(address)
    socket.on('data', (chunk) => {
      answer += chunk
    })
    socket.on('error', () => {})
    socket.on('close', () => resolve(Number(answer) || undefined))
  })
}
