import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { after, before, it } from 'node:test'
import { type TestPlatform, testPlatform } from '../../../../test/support/platform.ts'
import { proveBySabotage } from '../../../../test/support/sabotage.ts'
import { roles } from '../../../data/roles.ts'
import { readSecret } from '../../../data/secrets.ts'
import { quoteText } from '../../../data/sql.ts'
import type { ProofApi } from '../../../proof/api.ts'
import { proof } from '../../../proof/index.ts'
import { identity } from '../../identity/index.ts'
import { vault } from '../../vault/index.ts'
import { database } from '../index.ts'

const running: ChildProcess[] = []
let platform: TestPlatform
before(async () => {
  platform = await testPlatform([proof, database, identity, vault])
  await serve({})
})
after(async () => {
  for (const child of running) child.kill('SIGKILL')
  await platform?.stop()
})

/** Stands where a process that answers HTTP would; only its arguments and environment are looked at. */
async function serve(env: Record<string, string>): Promise<void> {
  const args = ['-e', 'setInterval(() => {}, 1e6)', ...platform.program.args, 'serve']
  const child = spawn(process.execPath, args, { env, stdio: 'ignore' })
  running.push(child)
  await once(child, 'spawn')
}

it('db.role.migrator goes red when a process that answers HTTP holds the credentials', () =>
  proveBySabotage(platform.api('proof') as ProofApi, 'db.role.migrator', {
    sabotage: () => serve({ SURETY_STORES__MIGRATOR_PASSWORD_FILE_NAME: '/run/secrets/migrator' }),
    repair: async () => {
      const rogue = running.pop() as ChildProcess
      rogue.kill('SIGKILL')
      await once(rogue, 'exit')
    },
    seen: /processes that answer HTTP/,
  }))

it("db.role.migrator goes red when the app role's password opens the migrator", () => {
  const setPassword = (password: string) =>
    platform.asSuperuser('postgres', (client) =>
      client.query(`ALTER ROLE ${roles.migrator} PASSWORD ${quoteText(password)}`),
    )
  return proveBySabotage(platform.api('proof') as ProofApi, 'db.role.migrator', {
    sabotage: () => setPassword(platform.stores.appPassword),
    repair: () => setPassword(readSecret(`${platform.stores.secrets}/migrator-password`)),
    seen: /opens the migrator/,
  })
})

it('the process that answers HTTP refuses to start with the credentials', async () => {
  const { args, env } = platform.program
  const child = spawn(process.execPath, [...args, 'serve'], {
    env: env as NodeJS.ProcessEnv,
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  })
  let errors = ''
  child.stderr?.on('data', (chunk) => {
    errors += chunk
  })
  const [code] = await once(child, 'exit')
  assert.equal(code, 1)
  assert.match(errors, /holds more than the app role/)
})
