import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { after, before, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { moduleArgs } from '../../../test/support/fast.ts'
import { killHard, until } from '../../../test/support/holder.ts'
import { type TestPlatform, testPlatform } from '../../../test/support/platform.ts'
import { type IdentityApi, identity } from './index.ts'
import { tenantRealm } from './realm.ts'

/**
 * Kills before so many writes, and at moments that nobody chose. The families' writes come mixed, four or five for each
 * refresh; every sixth is tried, so that all kinds are among them.
 */
const STEPS = 12
const STRIDE = 6
const MOMENTS = 4
const FAMILIES = 20
const url = (file: string) => new URL(file, import.meta.url).href

/**
 * A serving process of its own that refreshes every family as fast as it can and says what it answered. It kills itself
 * before its `last`-th write to Postgres, Redis or the client, of those that refreshing takes; 0 waits to be killed.
 */
const REFRESHING = `
import { Socket } from 'node:net'
import { systemClock } from '${url('../../kernel/clock.ts')}'
import { createLog } from '${url('../../kernel/log.ts')}'
import { startModules } from '${url('../../kernel/module.ts')}'
import { loadSettings } from '${url('../../kernel/settings.ts')}'
import { identity, tenantRealm } from '${url('./index.ts')}'
const [slug, last, ...tokens] = process.argv.slice(1)
const log = createLog({ name: 'child', level: 'silent' })
const settings = loadSettings([identity], { environment: process.env })
const program = { args: [], env: {} }
const { started } = await startModules([identity], { settings, clock: systemClock, log, build: 'test', program })
const api = (name) => started.find((module) => module.name === name).gives.api
const realm = tenantRealm(await api('tenancy').bySlug(slug))
const { sessions } = api('identity')
let writes = 0
const whole = Socket.prototype._writeGeneric
Socket.prototype._writeGeneric = function (...given) {
  writes += 1
  if (writes === Number(last)) process.kill(process.pid, 'SIGKILL')
  return whole.apply(this, given)
}
for (const [family, first] of tokens.entries()) {
  const loop = async (token) => {
    for (;;) {
      token = (await sessions.refresh(realm, token)).refresh
      process.stdout.write(family + ' ' + token + '\\n')
    }
  }
  loop(first)
}`

let platform: TestPlatform
before(async () => {
  platform = await testPlatform([identity])
})
after(() => platform?.stop())

it('signs nobody out and takes no spent token, whenever a process is killed during refreshes', async (context) => {
  const { people, sessions } = platform.api('identity') as IdentityApi
  let answered = 0
  const lost: string[] = []
  const twice: string[] = []
  for (let round = 1; round <= STEPS + MOMENTS; round += 1) {
    const step = round <= STEPS ? round * STRIDE : 0
    const tenant = await platform.makeTenant(round % 2 ? 'rows' : 'database')
    const realm = tenantRealm(tenant)
    const id = await people.add(realm, {
      email: 'mia@example.org',
      name: 'Mia',
      role: 'reader',
      password: null,
    })
    const begin = () => sessions.begin(realm, { id, password: null }, { device: 'test', factors: ['pwd'] })
    const held = await Promise.all(Array.from({ length: FAMILIES }, async () => [(await begin()).refresh]))
    const child = spawn(
      process.execPath,
      moduleArgs(REFRESHING, tenant.slug, String(step), ...held.map(([token]) => token as string)),
      { env: platform.env, stdio: ['ignore', 'pipe', 'inherit'] },
    )
    createInterface(child.stdout).on('line', (line) => {
      const [family, token] = line.split(' ') as [string, string]
      held[Number(family)]?.push(token)
      answered += 1
    })
    const before = answered
    if (step > 0) await once(child, 'exit')
    else {
      await until(() => answered > before + FAMILIES, 60)
      await sleep(Math.random() * 150)
      await killHard(child)
    }
    for (const tokens of held) {
      // The client comes back with the newest token that it was given, as after any lost answer.
      const next = await sessions.refresh(realm, tokens.at(-1) as string).catch(() => undefined)
      if (!next) lost.push(tokens.at(-1) as string)
      const spent = tokens.at(-3)
      if (spent && (await sessions.refresh(realm, spent).catch(() => undefined))) twice.push(spent)
    }
  }
  context.diagnostic(
    `${STEPS} kills before a write and ${MOMENTS} at any moment, ${(STEPS + MOMENTS) * FAMILIES} families, ${answered} refreshes answered; ${lost.length} signed out, ${twice.length} spent tokens taken`,
  )
  assert.deepEqual([lost, twice], [[], []])
})
