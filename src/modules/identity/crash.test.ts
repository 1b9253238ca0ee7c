import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, before, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { killHard, until } from '../../../test/support/holder.ts'
import { type TestPlatform, testPlatform } from '../../../test/support/platform.ts'
import { type IdentityApi, identity } from './index.ts'
import { tenantRealm } from './realm.ts'

const ROUNDS = 8
const FAMILIES = 20

/** A serving process of its own that refreshes every family as fast as it can and says what it answered. */
const REFRESHING = `
import { startPlatform } from '${join(import.meta.dirname, '../../cli/platform.ts')}'
import { createLog } from '${join(import.meta.dirname, '../../kernel/log.ts')}'
import { identity, tenantRealm } from '${join(import.meta.dirname, 'index.ts')}'
const [slug, ...tokens] = process.argv.slice(1)
const platform = await startPlatform({ log: createLog({ name: 'child', level: 'silent' }), environment: process.env })
const realm = tenantRealm(await platform.tenancy.bySlug(slug))
const { sessions } = platform.api(identity)
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
  for (let round = 0; round < ROUNDS; round += 1) {
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
      ['--input-type=module', '-e', REFRESHING, tenant.slug, ...held.map(([token]) => token as string)],
      { env: platform.program.env, stdio: ['ignore', 'pipe', 'inherit'] },
    )
    createInterface(child.stdout).on('line', (line) => {
      const [family, token] = line.split(' ') as [string, string]
      held[Number(family)]?.push(token)
      answered += 1
    })
    const before = answered
    await until(() => answered > before + FAMILIES)
    await sleep(Math.random() * 150)
    await killHard(child)
    for (const tokens of held) {
      // The client comes back with the newest token that it was given, as after any lost answer.
      const next = await sessions.refresh(realm, tokens.at(-1) as string).catch(() => undefined)
      if (!next) lost.push(tokens.at(-1) as string)
      const spent = tokens.at(-3)
      if (spent && (await sessions.refresh(realm, spent).catch(() => undefined))) twice.push(spent)
    }
  }
  context.diagnostic(
    `${ROUNDS} kills, ${ROUNDS * FAMILIES} families, ${answered} refreshes answered; ${lost.length} signed out, ${twice.length} spent tokens taken`,
  )
  assert.deepEqual([lost, twice], [[], []])
})
