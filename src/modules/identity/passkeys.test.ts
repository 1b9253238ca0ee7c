import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { sql } from 'drizzle-orm'
import { openPasskeyBrowser, type PasskeyBrowser } from '../../../test/support/authenticator.ts'
import { findChromium } from '../../../test/support/chromium.ts'
import { type TestPlatform, testPlatform } from '../../../test/support/platform.ts'
import { browser } from '../browser/index.ts'
import { type EdgeApi, edge } from '../edge/index.ts'
import type { Tenant } from '../tenancy/index.ts'
import { type IdentityApi, tenantRealm } from './index.ts'
import { stepOf, totpCode } from './totp.ts'

const found = findChromium()
const skip = 'reason' in found ? found.reason : false
const executablePath = 'path' in found ? found.path : undefined
const PASSWORD = 'a long enough sentence'

describe('passkeys in a browser', { skip }, () => {
  let platform: TestPlatform
  let tenant: Tenant
  let chrome: PasskeyBrowser
  const realm = () => tenantRealm(tenant)
  const api = () => platform.api('identity') as IdentityApi
  const originOf = (host: string) => `https://${host}${(platform.api('edge') as EdgeApi).portInLinks}`

  before(async () => {
    platform = await testPlatform([edge, browser])
    await platform.serve()
    tenant = await platform.makeTenant('rows')
    const page = `${originOf(tenant.hosts[0] as string)}/.well-known/jwks.json`
    chrome = await openPasskeyBrowser(executablePath as string, page)
  })
  after(async () => {
    await chrome?.close()
    await platform?.stop()
  })

  const ask = (method: string, path: string, body?: unknown) =>
    chrome.ask(method, `/api/v1/auth${path}`, body)
  const made = async () => chrome.answer('create', (await ask('POST', '/passkeys/options')).body)
  const shown = async () => chrome.answer('get', (await ask('POST', '/passkey/options')).body)
  const signed = async () => chrome.answer('get', (await ask('POST', '/passkey/sign-in/options')).body)

  /** A new person, signed in by password, in a browser without cookies and an authenticator without keys. */
  async function arrive(): Promise<{ id: string; email: string }> {
    await chrome.forgetKeys()
    await chrome.checkPerson(true)
    const email = `${crypto.randomUUID()}@example.org`
    const id = await api().people.add(realm(), { email, name: 'Mia', role: 'reader', password: PASSWORD })
    await signIn(email)
    return { id, email }
  }
  async function signIn(email: string): Promise<void> {
    await chrome.forgetCookies()
    assert.equal((await ask('POST', '/sign-in', { email, password: PASSWORD })).status, 200)
    await ask('GET', '/me') // brings the CSRF token
  }
  const add = async (name = 'laptop') => ask('POST', '/passkeys', { name, response: await made() })
  const due = async () => (await ask('GET', '/me')).body.secondFactorDue

  it('are a second factor: added, asked for at the next sign-in, shown', async () => {
    const { id, email } = await arrive()
    const added = await add()
    assert.equal(added.status, 201, JSON.stringify(added.body))
    assert.equal(added.body.recoveryCodes?.length, 10)
    assert.equal(await due(), false)
    await signIn(email)
    assert.equal(await due(), true)
    assert.equal((await ask('GET', '/sessions')).body.code, 'second-factor-needed')
    const answered = await ask('POST', '/passkey', { response: await shown() })
    assert.equal(answered.status, 200, JSON.stringify(answered.body))
    assert.equal(await due(), false)
    await assert.rejects(add('the same device'), /InvalidStateError/)
    await chrome.forgetKeys()
    const another = await add('phone')
    assert.deepEqual([another.status, another.body.recoveryCodes], [201, null])
    await signIn(email)
    const [code] = added.body.recoveryCodes ?? []
    assert.equal((await ask('POST', '/second-factor', { code })).status, 200)
    const names = (await api().passkeys.list(realm(), id)).map(({ name }) => name)
    assert.deepEqual(names, ['laptop', 'phone'])
  })

  it('sign in without a password, as two factors, when the authenticator checked its person', async () => {
    const { id } = await arrive()
    assert.equal((await add()).status, 201)
    await chrome.forgetCookies()
    assert.equal((await ask('POST', '/passkey/sign-in', { response: await signed() })).status, 200)
    const me = await ask('GET', '/me')
    assert.deepEqual([me.body.id, me.body.secondFactorDue], [id, false])
  })

  it('do not sign in somebody whom the authenticator did not check, nor somebody disabled', async () => {
    const { id } = await arrive()
    assert.equal((await add()).status, 201)
    await chrome.forgetCookies()
    const options = (await ask('POST', '/passkey/sign-in/options')).body
    await chrome.checkPerson(false)
    const unchecked = await chrome.answer('get', { ...options, userVerification: 'discouraged' })
    assert.equal((await ask('POST', '/passkey/sign-in', { response: unchecked })).status, 401)
    await chrome.checkPerson(true)
    const late = await signed()
    await api().people.change(realm(), id, { state: 'disabled' })
    assert.equal((await ask('POST', '/passkey/sign-in', { response: late })).status, 401)
  })

  it('are answers to one challenge, of one purpose and one person, at one host, once', async () => {
    const { email } = await arrive()
    const creation = await made()
    const twice = [
      await ask('POST', '/passkeys', { name: 'a', response: creation }),
      await ask('POST', '/passkeys', { name: 'b', response: creation }),
    ]
    assert.deepEqual(
      twice.map(({ status }) => status),
      [201, 403],
    )
    await ask('GET', '/me')
    const once = await shown()
    // It was asked for as a second factor.
    assert.equal((await ask('POST', '/passkey/sign-in', { response: once })).status, 401)
    assert.equal((await ask('POST', '/passkey', { response: once })).status, 200)
    await ask('GET', '/me')
    assert.equal((await ask('POST', '/passkey', { response: once })).body.code, 'passkey-refused')
    const own = await shown()
    const other = await arrive()
    assert.equal((await ask('POST', '/passkey', { response: own })).body.code, 'passkey-refused')
    const neighbour = await platform.makeTenant('rows')
    const site = { id: neighbour.hosts[0] as string, origin: originOf(neighbour.hosts[0] as string) }
    const elsewhere = await api().passkeys.askAnybody(tenantRealm(neighbour), site)
    assert.equal(elsewhere.rpId, site.id)
    await assert.rejects(chrome.answer('get', elsewhere), /SecurityError/)
    assert.notEqual(email, other.email)
  })

  it('show by their count that they were copied', async () => {
    const { id, email } = await arrive()
    assert.equal((await add()).status, 201)
    const copy = await chrome.copyKeys()
    await signIn(email)
    assert.equal((await ask('POST', '/passkey', { response: await shown() })).status, 200)
    await copy.putBack()
    await signIn(email)
    assert.equal((await ask('POST', '/passkey', { response: await shown() })).body.code, 'passkey-refused')
    const events = await realm().transaction((run) =>
      run(sql`SELECT kind FROM identity.event WHERE person_id = ${id} AND kind = 'passkey-copied'`),
    )
    assert.equal(events.length, 1)
  })

  it('cannot be added, nor an app, by a stolen password alone once there is a second factor', async () => {
    const { email } = await arrive()
    assert.equal((await add()).status, 201)
    await signIn(email)
    for (const path of ['/passkeys/options', '/totp'])
      assert.equal((await ask('POST', path)).body.code, 'second-factor-needed', path)
  })

  it('go, and their recovery codes with the last of them', async () => {
    const { id, email } = await arrive()
    const added = await add()
    await ask('GET', '/me')
    assert.equal((await ask('DELETE', `/passkeys/${added.body.id}`)).status, 204)
    assert.deepEqual(await api().passkeys.list(realm(), id), [])
    await signIn(email)
    const [code] = added.body.recoveryCodes ?? []
    assert.equal((await ask('POST', '/second-factor', { code })).body.code, 'code-refused')
    const secret = await api().secondFactors.enrol(realm(), id, 1)
    const codes = await api().secondFactors.confirm(realm(), id, totpCode(secret, stepOf(new Date())), 1)
    assert.equal(codes?.length, 10)
  })
})
