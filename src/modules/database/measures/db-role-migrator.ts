import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import type { AsMigrator } from '../../../data/migrator.ts'
import { databases, roles } from '../../../data/roles.ts'
import { type SqlAddress, withConnection } from '../../../data/sql.ts'
import type { Program } from '../../../kernel/module.ts'
import { type Measure, measure } from '../../../proof/measure.ts'
import { findServingProcesses } from '../servingProcesses.ts'

/** CAST-41. */
export function dbRoleMigrator(
  asMigrator: AsMigrator,
  app: { address: SqlAddress; password: string },
  program: Program,
): Measure {
  return measure({
    key: 'db.role.migrator',
    sources: ['CAST-41'],
    family: 'data-access',
    maps: { gdpr: ['32(1)(b)'], iso27001: ['A.8.2', 'A.8.18'] },
    claim: {
      de: () =>
        `Schemaänderungen macht eine eigene Rolle, ${roles.migrator}; die Anwendung hat ihre Zugangsdaten nicht.`,
      en: () =>
        `Schema changes are made by a role of their own, ${roles.migrator}; the application does not hold its credentials.`,
    },
    async prove({ check, positiveControl, notObservable }) {
      const user = await asMigrator('ask who migrates', async (client) => {
        const { rows } = await client.query<{ name: string }>('SELECT session_user AS name')
        return rows[0]?.name
      })
      check('the role that migrates', roles.migrator, user)
      const login = (role: string) => tryLogin({ ...app.address, user: role, password: app.password })
      positiveControl("the app role's password opens the app role", 'opened', await login(roles.app))
      check("the app role's password opens the migrator", 'refused (28P01)', await login(roles.migrator))
      const planted = await seePlanted(program)
      if (planted === undefined)
        notObservable('NO_PROC', 'Other processes of this machine cannot be looked at.')
      positiveControl('the same look sees a process that holds the credentials', true, planted)
      const serving = findServingProcesses(program) ?? []
      if (serving.length === 0)
        notObservable(
          'NO_SERVING_PROCESS_HERE',
          'No process of this machine answers HTTP for the deployment.',
        )
      check(
        `processes that answer HTTP and hold the migrator's or the sealer's credentials, of ${serving.length}`,
        [],
        serving.flatMap(({ privileged }) => privileged),
      )
    },
  })
}

async function tryLogin(address: SqlAddress): Promise<string> {
  try {
    await withConnection({ ...address, database: databases.control }, async () => undefined)
    return 'opened'
  } catch (error) {
    return `refused (${(error as { code?: string }).code})`
  }
}

/** Starts a process that looks like one that serves with too much, and looks whether it is seen. */
async function seePlanted({ args }: Program): Promise<boolean | undefined> {
  const source = 'setTimeout(() => {}, 10_000)'
  const child = spawn(process.execPath, ['-e', source, ...args, 'serve'], {
    env: { SURETY_STORES__MIGRATOR_PASSWORD_FILE_NAME: '/dev/null' },
    stdio: 'ignore',
  })
  const ended = once(child, 'exit')
  try {
    await once(child, 'spawn')
    for (let left = 20; left > 0; left--) {
      const found = findServingProcesses({ args })
      const seen = found?.find(({ pid }) => pid === child.pid)
      if (!found || seen) return seen && seen.privileged.length === 1
      await sleep(50)
    }
    return false
  } finally {
    child.kill('SIGKILL')
    await ended
  }
}
