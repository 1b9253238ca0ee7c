import assert from 'node:assert/strict'
import { after, before, beforeEach, it } from 'node:test'
import { type TestPlatform, testPlatform } from '../../../test/support/platform.ts'
import { newId } from '../../kernel/ids.ts'
import { openRecoveryCodes } from './enrolment.ts'
import { type IdentityApi, identity } from './index.ts'
import { type Realm, tenantRealm } from './realm.ts'
import { openSecondFactors } from './secondFactors.ts'
import { stepOf, totpCode } from './totp.ts'

let platform: TestPlatform
let realm: Realm
let person: string
let ahead = 0
const clock = { now: () => new Date(Date.now() + ahead) }
const factors = openSecondFactors(Buffer.alloc(32, 3), openRecoveryCodes(Buffer.alloc(32, 4)), clock)
const code = (secret: Buffer, steps = 0) => totpCode(secret, stepOf(clock.now()) + steps)
before(async () => {
  platform = await testPlatform([identity])
  realm = tenantRealm(await platform.makeTenant('rows'))
})
after(() => platform?.stop())
beforeEach(async () => {
  const { people } = platform.api('identity') as IdentityApi
  person = await people.add(realm, {
    email: `${newId()}@example.org`,
    name: 'P',
    role: 'reader',
    password: null,
  })
})

async function enrolled(): Promise<{ secret: Buffer; recovery: string[] }> {
  const secret = await factors.enrol(realm, person, 1)
  return { secret, recovery: (await factors.confirm(realm, person, code(secret, -1), 1)) ?? [] }
}

it('takes each code once, also when it comes fifty times at once', async () => {
  const { secret } = await enrolled()
  const now = code(secret)
  const results = await Promise.allSettled(
    Array.from({ length: 50 }, () => factors.verify(realm, person, now)),
  )
  assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 1)
})

it('takes each recovery code once, however it is typed', async () => {
  const { recovery } = await enrolled()
  assert.equal(new Set(recovery).size, 10)
  const [first = ''] = recovery
  assert.equal(await factors.verify(realm, person, first.toLowerCase().replaceAll('-', ' ')), 'rec')
  await assert.rejects(factors.verify(realm, person, first), { code: 'code-refused' })
})

it('looks at no code for five minutes after five wrong ones', async () => {
  const { secret } = await enrolled()
  for (let n = 0; n < 5; n += 1)
    await assert.rejects(factors.verify(realm, person, 'wrong code'), { code: 'code-refused' })
  await assert.rejects(factors.verify(realm, person, code(secret)), { code: 'too-many-codes' })
  ahead += 301_000
  assert.equal(await factors.verify(realm, person, code(secret)), 'otp')
})

it('is not enrolled before the first code, and not enrolled over what is there', async () => {
  const secret = await factors.enrol(realm, person, 1)
  await assert.rejects(factors.verify(realm, person, code(secret)), { code: 'code-refused' })
  await assert.rejects(factors.confirm(realm, person, '000000', 1), { code: 'code-refused' })
  await factors.confirm(realm, person, code(secret), 1)
  await assert.rejects(factors.enrol(realm, person, 2), { code: 'already-enrolled' })
  await assert.rejects(factors.enrol(realm, person, 1), { code: 'second-factor-needed' })
})
