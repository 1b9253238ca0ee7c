// A network of 2 ms round trip between a client and Postgres: `node relay.ts <folder> <target socket>`.
import { connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'

const ONE_WAY_MS = 1
const [folder = '', target = ''] = process.argv.slice(2)

createServer((near) => {
  const far = connect(target)
  delay(near, far)
  delay(far, near)
}).listen(join(folder, '.s.PGSQL.5432'), () => process.send?.('ready'))
process.on('disconnect', () => process.exit())

function delay(from: Socket, to: Socket): void {
  from.on('data', (chunk) => setTimeout(() => to.writable && to.write(chunk), ONE_WAY_MS))
  from.on('error', () => to.destroy())
  from.on('close', () => setTimeout(() => to.end(), ONE_WAY_MS))
}
