import { once } from 'node:events'
import { chmodSync, renameSync, rmSync } from 'node:fs'
import type { Socket } from 'node:net'
import { createEgressProxy } from './proxy.ts'

/**
 * Lets connections out that arrive at the UNIX socket `path`, which its group may use (0660). A socket that a killed
 * predecessor left is replaced in one step. `close()` cuts the tunnels that are open.
 */
export async function serveEgressProxy(
  path: string,
  ...decide: Parameters<typeof createEgressProxy>
): Promise<{ close(): Promise<void> }> {
  const server = createEgressProxy(...decide)
  const open = new Set<Socket>()
  server.on('connection', (socket) => {
    open.add(socket)
    socket.once('close', () => open.delete(socket))
  })
  const draft = `${path}.${process.pid}`
  rmSync(draft, { force: true })
  server.listen(draft)
  await once(server, 'listening')
  chmodSync(draft, 0o660)
  renameSync(draft, path)
  return {
    close: () =>
      new Promise((closed) => {
        server.close(() => closed())
        for (const socket of open) socket.destroy()
      }),
  }
}
