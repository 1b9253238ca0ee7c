import { createServer } from '../http/server.ts'
import { createLog } from '../kernel/log.ts'
import { startPlatform } from './platform.ts'
import { dieWithParent } from './process/dieWithParent.ts'

/** The process that answers HTTP. Stateless; ends after the requests under way. */
export async function serve(): Promise<void> {
  const log = createLog({ name: 'serve', level: process.env.LOG_LEVEL ?? 'warn' })
  const platform = await startPlatform({ log, environment: process.env })
  const { host } = platform.settings.trust as { host: string }
  const ready = async () => {
    const { database, cache } = await platform.stores.ready()
    return database && cache
  }
  const { routes, guards } = platform
  const server = await createServer({ routes, guards, trustHost: host, ready, log })
  dieWithParent(async () => {
    await server.close()
    await platform.stop()
  })
  await server.listen(Number(process.env.PORT ?? 8080))
}
