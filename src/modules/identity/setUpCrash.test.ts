import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, before, it } from 'node:test'
import { moduleArgs } from '../../../test/support/fast.ts'
import { type TestPlatform, testPlatform } from '../../../test/support/platform.ts'
import { databases } from '../../data/roles.ts'
import { type IdentityApi, identity } from './index.ts'

const EMAIL = 'ada@example.org'
const url = (file: string) => new URL(file, import.meta.url).href

/**
 * A process that waits for a line with the link's token and sets up, or for an empty one and offers the set-up. It kills
 * itself before its `last`-th message to Postgres, or before it removes a file, or says that it was done.
 */
const SETTING_UP = `
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { once } from 'node:events'
import { stores } from '${url('../../data/index.ts')}'
import { systemClock } from '${url('../../kernel/clock.ts')}'
import { createLog } from '${url('../../kernel/log.ts')}'
import { startModules } from '${url('../../kernel/module.ts')}'
import { loadSettings } from '${url('../../kernel/settings.ts')}'
import { openPasswords } from '${url('./passwords.ts')}'
import { operatorRealm } from '${url('./realm.ts')}'
import { openSetUp } from '${url('./setUp.ts')}'
import { identitySettings } from '${url('./settings.ts')}'
const [last] = process.argv.slice(1)
const log = createLog({ name: 'child', level: 'silent' })
const settings = loadSettings([stores], { environment: process.env })
const program = { args: [], env: {} }
const { started } = await startModules([stores], { settings, clock: systemClock, log, build: 'test', program })
const { control, secrets } = started[0].gives.api
const passwords = await openPasswords(identitySettings.parse({ argon2Memory: 7168, legacyBcryptCost: 0 }))
const setUp = openSetUp({ operators: operatorRealm(control), secrets, passwords, clock: systemClock })
await control.query('SELECT 1')
console.log('ready')
const [token] = await once(createInterface(process.stdin), 'line')
let messages = 0
const whole = Socket.prototype._writeGeneric
Socket.prototype._writeGeneric = function (...given) {
  messages += 1
  if (String(messages) === last) process.kill(process.pid, 'SIGKILL')
  return whole.apply(this, given)
}
if (last === 'removing') {
  fs.rmSync = () => process.kill(process.pid, 'SIGKILL')
  syncBuiltinESMExports()
}
if (token) await setUp.use(token, { name: 'Ada', email: '${EMAIL}', password: 'a long enough sentence' })
else await setUp.offer()
Socket.prototype._writeGeneric = whole
console.log('done')
process.exit()
`

let platform: TestPlatform
const children: ChildProcess[] = []
before(async () => {
  platform = await testPlatform([identity])
})
after(async () => {
  for (const child of children) child.kill('SIGKILL')
  await platform?.stop()
})

const api = () => platform.api('identity') as IdentityApi
const file = () => join(platform.stores.secrets, 'set-up-token')
const firstDay = () =>
  platform.asSuperuser(databases.control, (client) =>
    client.query('TRUNCATE identity.person CASCADE; TRUNCATE identity.set_up'),
  )

const storesOnly = (env: TestPlatform['program']['env']) =>
  Object.fromEntries(Object.entries(env).filter(([name]) => !/^SURETY_(?!STORES__)/.test(name)))

/** Starts so many at once: what takes long is that each loads its modules. */
function start(steps: readonly (number | 'removing')[]) {
  return Promise.all(
    steps.map(async (step) => {
      const child = spawn(process.execPath, moduleArgs(SETTING_UP, String(step)), {
        env: storesOnly(platform.program.env),
        stdio: ['pipe', 'pipe', 'inherit'],
      })
      children.push(child)
      const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
      assert.equal((await lines.next()).value, 'ready')
      return async (token: string): Promise<boolean> => {
        child.stdin.write(`${token}\n`)
        const { value } = await lines.next()
        if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
        return value === 'done'
      }
    }),
  )
}

it('leaves no operator and a good link, or an operator, whenever it is killed', async (context) => {
  const outcomes: string[] = []
  // Nothing is written before; after the ninth message all is.
  for (const run of await start([6, 7, 8, 9, 'removing', 10])) {
    await firstDay()
    const token = (await api().setUp.offer()) as string
    const done = await run(token)
    const [first, ...others] = await api().people.list(api().operators)
    if (first) {
      assert.deepEqual([first.email, others.length], [EMAIL, 0])
      assert.equal(await api().setUp.isOpen(), false)
      assert.equal(existsSync(file()), !done)
      assert.equal(await api().setUp.offer(), null)
      assert.equal(existsSync(file()), false)
    } else {
      await api().setUp.check(token)
      assert.equal(await api().setUp.offer(), token)
    }
    outcomes.push(done ? 'done' : first ? 'killed with an operator' : 'killed without')
  }
  context.diagnostic(outcomes.join(', '))
  const without = Array(4).fill('killed without')
  assert.deepEqual(outcomes, [...without, 'killed with an operator', 'done'])
})

it('offers the same link again after it was killed while offering', async () => {
  for (const run of await start([5, 6])) {
    await firstDay()
    rmSync(file(), { force: true })
    assert.equal(await run(''), false)
    const found = readFileSync(file(), 'utf8')
    assert.equal(await api().setUp.offer(), found)
    await api().setUp.check(found)
  }
})
