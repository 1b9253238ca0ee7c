import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { sql } from 'drizzle-orm'
import type { Page } from 'playwright-core'
import { tenantRealm } from '../src/modules/identity/index.ts'
import { findChromium } from './support/chromium.ts'
import { fill, press } from './support/keyboard.ts'
import { heading, look, type Office, openOffice } from './support/office.ts'

const found = findChromium()
const skip = 'reason' in found ? found.reason : false
const CREDENTIALS = { email: 'ben@example.org', password: 'a sentence that nobody guesses' }
// Its button is looked at; nobody goes there.
const PROVIDER = { name: 'google', issuer: 'http://127.0.0.1:9', clientId: 'surety' }

// What runs inside the page sees it.
declare const localStorage: { setItem(name: string, value: string): void }

/** Sessions that run out, end elsewhere, or meet a network that is away. */
describe('sessions in the back-office', { skip }, () => {
  let office: Office
  let page: Page
  const realm = () => tenantRealm(office.tenant)

  before(async () => {
    office = await openOffice('path' in found ? found.path : '', 'en-GB', { identity: { sso: [PROVIDER] } })
    page = office.page
    await office.identity.people.add(realm(), { ...CREDENTIALS, name: 'Ben', role: 'reader' })
  })
  after(() => office?.stop())

  async function signIn(): Promise<void> {
    await heading(page, 'Sign in')
    await fill(page, 'E-mail', CREDENTIALS.email)
    await fill(page, 'Password', CREDENTIALS.password)
    await page.keyboard.press('Enter')
  }

  it('asks nobody who is signed in, when no session can be here', async () => {
    const asked: string[] = []
    const listen = (request: { url(): string }) => asked.push(new URL(request.url()).pathname)
    page.on('request', listen)
    await page.goto(`${office.origin}/office/account/sessions`)
    await heading(page, 'Sign in')
    await page.getByRole('link', { name: 'Sign in with Google' }).waitFor()
    page.off('request', listen)
    assert.ok(!asked.some((path) => /me$|refresh$/.test(path)), asked.join(' '))
    await look(page, 'sign-in-sso')
  })

  it('leads on to the page that was asked for', async () => {
    await signIn()
    await heading(page, 'Sessions')
  })

  it('shows a reader nothing that a reader may not do', async () => {
    for (const name of ['Users', 'Roles', 'Operator access'])
      assert.equal(await page.getByRole('link', { name }).count(), 0, name)
    await page.goto(`${office.origin}/office/settings/users`)
    await page.getByText('Your role may not do this.').first().waitFor()
    await look(page, 'forbidden')
  })

  it('are refreshed by one tab at a time, however many need it at the same moment', async () => {
    const tabs = [page, await office.context.newPage(), await office.context.newPage()]
    for (const tab of tabs) await tab.goto(`${office.origin}/office/account`)
    for (const tab of tabs) await heading(tab, 'Sign-in and security')
    const isRefresh = (one: { url(): string }) => one.url().endsWith('/auth/refresh')
    const order: string[] = []
    office.context.on('request', (one) => isRefresh(one) && order.push('asked'))
    office.context.on('response', (one) => isRefresh(one) && order.push(`${one.status()}`))
    await page.evaluate(() => localStorage.setItem('surety-refresh-at', '1'))
    await Promise.all(tabs.map((tab) => tab.reload()))
    for (const tab of tabs) await heading(tab, 'Sign-in and security')
    // A tab that comes later may do it once more, since storage reaches other processes late; never at the same time.
    assert.match(order.join(' '), /^asked 200( asked 200){0,2}$/)
    const replays = await realm().transaction((run) =>
      run(sql`SELECT id FROM identity.session WHERE replays > 0`),
    )
    assert.deepEqual(replays, [])
    for (const tab of tabs.slice(1)) await tab.close()
  })

  it('says when the server cannot be reached, and goes on when it can', async () => {
    await office.context.setOffline(true)
    await press(page, 'Sessions')
    await page.getByText('The server cannot be reached.').waitFor()
    await look(page, 'offline')
    await office.context.setOffline(false)
    await press(page, 'Try again')
    await page.getByText('this one').waitFor()
  })

  it('that ended elsewhere lead to the sign-in and back', async () => {
    const { people, sessions } = office.identity
    const { id } = await people.signIn(realm(), CREDENTIALS.email, CREDENTIALS.password)
    await sessions.endAll(realm(), id)
    await press(page, 'Activity')
    await signIn()
    await heading(page, 'Activity')
  })

  it('of a suspended tenant can be begun, and say how long it stays', async () => {
    await office.platform.tenancy.setState(office.tenant.slug, 'suspended')
    await press(page, 'Sign out')
    await signIn()
    await page.getByText(/\((89|90) days left\)/).waitFor()
    await look(page, 'suspended')
  })

  it('a password change signs out, and the new one counts', async () => {
    await office.platform.tenancy.setState(office.tenant.slug, 'active')
    await press(page, 'Sign-in and security')
    await fill(page, 'Current password', 'not the one')
    await fill(page, 'New password', 'another sentence, just as long')
    await page.keyboard.press('Enter')
    await page.getByText('The password is not right.').waitFor()
    await fill(page, 'Current password', CREDENTIALS.password)
    await page.keyboard.press('Enter')
    await heading(page, 'Sign in')
    await fill(page, 'E-mail', CREDENTIALS.email)
    await fill(page, 'Password', 'another sentence, just as long')
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: 'Sign out' }).waitFor()
  })

  it('throw nothing', () =>
    assert.deepEqual(
      office.refused.filter((text) => !/INTERNET_DISC/.test(text)),
      [],
    ))
})
