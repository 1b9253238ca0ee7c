import { createServer, type Front } from '../http/server.ts'
import { givenSockets } from '../kernel/givenSockets.ts'
import { crashThrough, createLog } from '../kernel/log.ts'
import { defineProblem } from '../kernel/problems.ts'
import { sayReady } from '../kernel/readiness.ts'
import type { EdgeApi } from '../modules/edge/index.ts'
import type { TenancyApi } from '../modules/tenancy/index.ts'
import { startPlatform } from './platform.ts'
import { dieWithParent } from './process/dieWithParent.ts'

const tooPrivileged = defineProblem({
  code: 'too-privileged',
  status: 500,
  title: 'The process that answers HTTP holds more than the app role',
})

/**
 * The process that answers HTTP. Stateless; ends after the requests under way. Refuses to run with credentials that
 * could reach past the tenants' walls.
 */
export async function serve(): Promise<void> {
  const log = createLog({ name: 'serve', level: process.env.LOG_LEVEL ?? 'warn' })
  crashThrough(log)
  const platform = await startPlatform({ log, environment: process.env })
  const { migrator, sealer } = platform.stores
  if (migrator ?? sealer) {
    await platform.stop()
    throw tooPrivileged('Start it without the file names of the passwords of the migrator and the sealer.')
  }
  const front = await frontOf(platform.edge, platform.tenancy)
  const ready = async () => {
    const { database, cache } = await platform.stores.ready()
    return database && cache
  }
  const server = await createServer({ ...platform, front, ready, log })
  const sockets = givenSockets(process.env)
  dieWithParent(async () => {
    await server.close()
    await platform.stop()
  }, platform.shutdownTimeout)
  await server.listen({ ...platform.edge, sockets })
  sayReady(platform.build)
}

/** The names and certificates that the modules edge and tenancy know of. */
export async function frontOf(edge: EdgeApi, tenancy: TenancyApi): Promise<Front> {
  return {
    ...edge,
    baseDomain: tenancy.baseDomain,
    certificateFor: await edge.openCertificates(),
    resolveTenant: tenancy.resolve,
  }
}
