import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import axe from 'axe-core'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'
import { browser as browserModule } from '../src/modules/browser/index.ts'
import { type EdgeApi, edge } from '../src/modules/edge/index.ts'
import { type IdentityApi, identity, invitationLink, tenantRealm } from '../src/modules/identity/index.ts'
import { requireSecondFactor } from '../src/modules/identity/roleRules.ts'
import { stepOf, totpCode } from '../src/modules/identity/totp.ts'
import { limits } from '../src/modules/limits/index.ts'
import { office } from '../src/modules/office/index.ts'
import type { Tenant } from '../src/modules/tenancy/index.ts'
import { findChromium } from './support/chromium.ts'
import { fill, press, tabTo } from './support/keyboard.ts'
import { type TestPlatform, testPlatform } from './support/platform.ts'

const found = await findChromium()
const skip = 'reason' in found ? found.reason : false
const executablePath = 'path' in found ? found.path : undefined

const PASSWORD = 'correct horse battery staple'
/** A folder for pictures of every page, wide and narrow, light and dark; for people who look at them. */
const PICTURES = process.env['SURETY_PICTURES']
const SIZES = [
  { width: 390, height: 844 },
  { width: 1440, height: 900 },
]

// What runs inside the page sees these.
declare const window: { axe: { run(): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> } }
declare const document: { documentElement: { scrollWidth: number } }

describe('the back-office in a browser', { skip }, () => {
  let platform: TestPlatform
  let people: IdentityApi
  let tenant: Tenant
  let origin: string
  let chrome: Browser
  let context: BrowserContext
  let page: Page
  const refused: string[] = []
  let recoveryCodes: string[] = []

  before(async () => {
    platform = await testPlatform([edge, identity, limits, browserModule, office])
    await platform.serve()
    people = platform.api('identity') as IdentityApi
    tenant = await platform.makeTenant('rows')
    origin = `https://${tenant.hosts[0]}${(platform.api('edge') as EdgeApi).portInLinks}`
    chrome = await chromium.launch({ executablePath, args: ['--headless', '--no-sandbox', '--disable-gpu'] })
    context = await chrome.newContext({ ignoreHTTPSErrors: true, locale: 'en-GB' })
    page = await context.newPage()
    page.on('console', (message) => {
      // A refused sign-in is an answer that the browser tells of as well.
      if (message.type() === 'error' && !/status of 40[0139]/.test(message.text()))
        refused.push(message.text())
    })
    page.on('pageerror', (error) => refused.push(error.message))
  })
  after(async () => {
    await chrome?.close()
    await platform?.stop()
  })

  const heading = (text: string | RegExp) =>
    page.getByRole('heading', { level: 1, name: text }).waitFor({ timeout: 15_000 })

  /** What holds for every page: nothing that axe-core finds, and no scrolling sideways on a narrow screen. */
  async function look(name: string): Promise<void> {
    for (const size of SIZES) {
      await page.setViewportSize(size)
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
        if (PICTURES)
          await page.screenshot({ path: join(PICTURES, `${name}-${size.width}-${colorScheme}.png`) })
        await page.evaluate(axe.source)
        const { violations } = await page.evaluate(() => window.axe.run())
        const seen = violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`)
        assert.deepEqual(seen, [], `${name} at ${size.width}, ${colorScheme}`)
      }
      const width = await page.evaluate(() => document.documentElement.scrollWidth)
      assert.ok(width <= size.width, `${name} is ${width} wide on ${size.width}`)
    }
    await page.emulateMedia({ colorScheme: 'light' })
  }

  it('an invited person chooses a password and must set up a second factor, by keyboard alone', async () => {
    const realm = tenantRealm(tenant)
    await requireSecondFactor(realm, 'owner', true)
    const about = { email: 'mia@example.org', name: 'Mia Sommer', role: 'owner', password: null }
    const { token } = await people.invitations.make(realm, await people.people.add(realm, about))
    await page.goto(invitationLink(origin, token))
    await heading('Welcome, Mia Sommer')
    await look('invitation')

    await fill(page, 'Password', 'too short')
    await fill(page, 'Password again', 'too short')
    await page.keyboard.press('Enter')
    await page.getByRole('alert').filter({ hasText: 'too easy to guess' }).waitFor()
    await fill(page, 'Password', PASSWORD)
    await fill(page, 'Password again', PASSWORD)
    await page.keyboard.press('Enter')

    await heading('Set up a second factor')
    await press(page, 'Enter the key by hand instead')
    await look('enrolment')
    const secret = await page.locator('.secret code').innerText()
    await fill(page, 'Six digits of the app', totpCode(unbase32(secret), stepOf(new Date())))
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Your recovery codes' }).waitFor()
    await look('recovery-codes')
    recoveryCodes = (await page.locator('.secret code').innerText()).split('\n')
    assert.equal(recoveryCodes.length, 10)
    await tabTo(page, 'I have kept them')
    await page.keyboard.press('Space')
    await press(page, 'Go on')
    await heading('Users')
  })

  it('an invitation is good once', async () => {
    const realm = tenantRealm(tenant)
    const about = { email: 'zoe@example.org', name: 'Zoe', role: 'reader', password: null }
    const id = await people.people.add(realm, about)
    const { token } = await people.invitations.make(realm, id)
    await people.invitations.accept(realm, token, PASSWORD)
    await assert.rejects(people.invitations.accept(realm, token, `${PASSWORD} 2`), {
      code: 'invitation-refused',
    })
    await assert.rejects(people.invitations.make(realm, id), { code: 'already-joined' })
    const other = await context.newPage()
    await other.goto(invitationLink(origin, token))
    await other.getByRole('heading', { name: 'This invitation is not good any more' }).waitFor()
    await other.close()
  })

  it('an owner invites, changes a role, takes access away and gives it back', async () => {
    await look('users')
    await press(page, 'Invite')
    await page.getByRole('dialog').waitFor()
    await fill(page, 'Name', 'Ben Winter')
    await fill(page, 'E-mail', 'ben@example.org')
    await look('invite')
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Invitation for Ben Winter' }).waitFor()
    assert.match(await page.locator('.secret code').innerText(), /\/office\/invitation#[\w-]{40,}$/)
    await look('invited')
    await page.keyboard.press('Escape')

    await tabTo(page, 'Role of Ben Winter')
    await page.keyboard.type('Editor')
    await page.getByText('Changed. The person signs in again.').waitFor()
    await press(page, 'Remove access: Ben Winter')
    await page.getByRole('dialog').waitFor()
    await press(page, 'Remove access')
    await press(page, 'Give access back: Ben Winter')
    await page.getByRole('button', { name: 'Remove access: Ben Winter' }).waitFor()
    const ben = (await people.people.list(tenantRealm(tenant))).find(({ name }) => name === 'Ben Winter')
    assert.deepEqual([ben?.role, ben?.state], ['editor', 'active'])
  })

  it('switches a role’s second factor on', async () => {
    await press(page, 'Roles')
    await heading('Roles')
    await look('roles')
    await tabTo(page, 'Second factor required for Editor')
    await page.keyboard.press('Space')
    await page.getByRole('switch', { name: 'Second factor required for Editor', checked: true }).waitFor()
  })

  it('makes an API token that works, is shown once, and is revoked', async () => {
    await press(page, 'API tokens')
    await heading('API tokens')
    await look('no-tokens')
    await press(page, 'New token')
    await fill(page, 'Name', 'Ticket shop')
    await tabTo(page, 'people.read')
    await page.keyboard.press('Space')
    await look('new-token')
    await press(page, 'Create token')
    await page.getByRole('heading', { name: 'Your new token' }).waitFor()
    await look('token')
    const token = await page.locator('.secret code').innerText()
    const ask = () =>
      (platform.api('edge') as EdgeApi).request({
        host: tenant.hosts[0] as string,
        path: '/api/v1/people',
        headers: { authorization: `Bearer ${token}` },
      })
    assert.equal((await ask()).status, 200)
    await page.keyboard.press('Escape')
    await look('tokens')
    await press(page, 'Revoke: Ticket shop')
    await page.getByRole('dialog').waitFor()
    await press(page, 'Revoke')
    await page.getByText('The token is revoked.').waitFor()
    assert.equal((await ask()).status, 401)
  })

  it('shows the other devices, ends one, and signs out', async () => {
    const realm = tenantRealm(tenant)
    const { id, password } = await people.people.signIn(realm, 'mia@example.org', PASSWORD)
    await people.sessions.begin(
      realm,
      { id, password },
      { device: 'Mozilla/5.0 (Windows NT 10.0) Firefox/140.0', factors: ['pwd'] },
    )
    await press(page, 'Sessions')
    await heading('Sessions')
    await page.getByText('this one').waitFor()
    await look('sessions')
    await press(page, 'End: Firefox · Windows')
    await page.getByText('The session has ended.').waitFor()
    assert.equal((await people.sessions.list(realm, id)).length, 1)
    await press(page, 'Activity')
    await heading('Activity')
    await look('activity')
    await press(page, 'Sign-in and security')
    await heading('Sign-in and security')
    await look('security')
    await press(page, 'Sign out')
    await heading('Sign in')
    await look('sign-in')
  })

  it('signs in again with a recovery code, and another tab follows a sign-out', async () => {
    await fill(page, 'E-mail', 'mia@example.org')
    await fill(page, 'Password', 'not the right one')
    await page.keyboard.press('Enter')
    await page.getByText('E-mail and password do not match an account.').waitFor()
    await fill(page, 'Password', PASSWORD)
    await page.keyboard.press('Enter')
    await heading('Your second factor')
    await look('second-factor')
    await fill(page, 'Code', recoveryCodes[0] as string)
    await page.keyboard.press('Enter')
    await heading('Users')
    const other = await context.newPage()
    await other.goto(`${origin}/office/account`)
    await other.getByRole('heading', { level: 1, name: 'Sign-in and security' }).waitFor()
    await press(page, 'Sign out')
    await other.getByRole('heading', { level: 1, name: 'Sign in' }).waitFor()
    await other.close()
  })

  it('runs nothing that the content security policy refuses, and throws nothing', () =>
    assert.deepEqual(refused, []))
})

function unbase32(text: string): Buffer {
  const bits = [...text.replaceAll(/\s/g, '')].map((letter) =>
    'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(letter).toString(2).padStart(5, '0'),
  )
  return Buffer.from((bits.join('').match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)))
}
