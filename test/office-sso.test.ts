import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { sql } from 'drizzle-orm'
import type { Page } from 'playwright-core'
import { tenantRealm } from '../src/modules/identity/index.ts'
import { findChromium } from './support/chromium.ts'
import { fill, press } from './support/keyboard.ts'
import { heading, look, type Office, openOffice } from './support/office.ts'
import { type OidcPeer, openOidcPeer } from './support/oidcPeer.ts'

const found = findChromium()
const skip = 'reason' in found ? found.reason : false
const PASSWORD = 'a sentence that nobody guesses'

/** Leaving for another site and coming back, with cookies that only a real browser keeps or holds back. */
describe('sign-in at a provider in a browser', { skip }, () => {
  let office: Office
  let peer: OidcPeer
  let page: Page

  before(async () => {
    peer = await openOidcPeer()
    const sso = [{ name: 'peer', issuer: peer.url, clientId: 'surety' }]
    office = await openOffice('path' in found ? found.path : '', 'en-GB', { identity: { sso } })
    peer.answer(`${office.origin}/api/v1/auth/sso/peer/return`)
    page = office.page
    const realm = tenantRealm(office.tenant)
    const known = { email: 'ben@example.org', name: 'Ben', role: 'reader', password: PASSWORD }
    await office.identity.people.add(realm, known)
    const added = { email: 'zoe@example.org', name: 'Zoe', role: 'reader', password: null }
    await office.identity.people.add(realm, added)
  })
  after(async () => {
    await office?.stop()
    peer?.close()
  })

  /** As the provider's own pages ask. */
  async function signInThere(name: string): Promise<void> {
    await office.context.clearCookies()
    await page.goto('about:blank')
    await page.goto(`${office.origin}/office/account`)
    await press(page, 'Sign in with Peer')
    await answerThere(name)
    await page.getByRole('button', { name: 'Continue' }).click()
  }

  async function answerThere(name: string): Promise<void> {
    await page.locator('input[name=login]').fill(name)
    await page.locator('input[name=password]').fill('any')
    await page.locator('button[type=submit]').click()
  }

  it('lets in whom an administrator added', async () => {
    await signInThere('zoe')
    await heading(page, 'Sign-in and security')
    await page.getByText('zoe@example.org').first().waitFor()
    await press(page, 'Sign out')
    await heading(page, 'Sign in')
  })

  it('sends somebody who has nothing else back there before what lasts, and ends the session of before', async () => {
    await signInThere('zoe')
    await heading(page, 'Sign-in and security')
    const realm = tenantRealm(office.tenant)
    await realm.transaction((run) =>
      run(sql`UPDATE identity.session SET authenticated_at = authenticated_at - interval '1 hour'`),
    )
    await press(page, 'Set up the app')
    await page.getByText('Sign in at your provider once more.').waitFor()
    await look(page, 'step-up-sso')
    await press(page, 'Sign in with Peer')
    await answerThere('zoe')
    await heading(page, 'Sign-in and security')
    await press(page, 'Sessions')
    await heading(page, 'Sessions')
    await page.getByText('this one').waitFor()
    assert.equal(await page.getByRole('button', { name: /^End:/ }).count(), 0)
    await press(page, 'Sign out')
    await heading(page, 'Sign in')
  })

  it('tells a stranger that it was not accepted', async () => {
    await signInThere('stranger')
    await page.getByText('The sign-in at the provider was not accepted.').waitFor()
    await look(page, 'sso-refused')
  })

  it('links an account that has a password after it was given, and knows it the next time', async () => {
    await signInThere('ben')
    await heading(page, 'Link the two')
    await look(page, 'sso-link')
    await fill(page, 'E-mail', 'ben@example.org')
    await fill(page, 'Password', PASSWORD)
    await page.keyboard.press('Enter')
    await heading(page, 'Sign-in and security')
    await signInThere('ben')
    await heading(page, 'Sign-in and security')
  })

  it('throws nothing', () => assert.deepEqual(office.refused, []))
})
