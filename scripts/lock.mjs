import { createHash } from 'node:crypto'
import { unlinkSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/**
 * Holds the lock `name` on this machine until the process ends, however it ends: the kernel closes the socket even
 * after `kill -9`, so there is no stale lock to clean up. Waits for another holder and calls `onWait(pid)` once.
 */
export async function holdLock(name, onWait) {
  for (let told = false; !(await tryListen(address(name))); told = true) {
    const ended = await waitForHolder(address(name), (pid) => told || onWait(pid))
    if (!ended && process.platform === 'darwin') unlinkSync(address(name))
  }
}

function address(name) {
  const id = `surety-${createHash('sha256').update(name).digest('hex').slice(0, 32)}`
  // Padded to the full length because Node 20 pads abstract names with NULs and Node 24 does not.
  if (process.platform === 'linux') return `\0${id.padEnd(107, '-')}`
  return process.platform === 'win32' ? `\\\\.\\pipe\\${id}` : join(tmpdir(), `${id}.sock`)
}

function tryListen(path) {
  return new Promise((resolve, reject) => {
    const waiting = new Set()
    const server = createServer((socket) => {
      waiting.add(socket)
      socket.unref()
      socket.on('error', () => socket.destroy())
      socket.on('close', () => waiting.delete(socket))
      socket.write(String(process.pid))
    })
    server.on('error', (error) => (error.code === 'EADDRINUSE' ? resolve(false) : reject(error)))
    server.listen(path, () => resolve(true))
    server.unref()
  })
}

/** Resolves when the holder ends: true, or false when nobody listens at a path that exists. */
function waitForHolder(path, onPid) {
  return new Promise((resolve) => {
    const socket = connect(path)
    socket.once('data', (pid) => onPid(Number(pid)))
    socket.on('error', () => socket.destroy())
    socket.on('close', (hadError) => resolve(!hadError))
  })
}
