import { parseDatabaseUrl } from '../data/sql.ts'
import { createLog } from '../kernel/log.ts'
import { runningEnvironment, superuserUrl } from './environment.ts'
import { loadApp, modulesOf } from './platform.ts'
import { preparePlatform } from './prepare.ts'

/** Brings roles, databases and schemas to what this release needs, as `surety up` does at its start. */
export async function migrate(): Promise<void> {
  const environment = runningEnvironment()
  await preparePlatform({
    superuser: parseDatabaseUrl(process.env.DATABASE_URL ?? superuserUrl('postgres')),
    secrets: environment.SURETY_STORES__SECRETS ?? '',
    modules: modulesOf(await loadApp(environment)),
    log: createLog({ name: 'migrate', level: 'error' }),
  })
}
