import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { sql } from 'drizzle-orm'
import { invitationLink, tenantRealm } from '../src/modules/identity/index.ts'
import { requireSecondFactor } from '../src/modules/identity/roleRules.ts'
import { findChromium } from './support/chromium.ts'
import { fill, press, tabTo } from './support/keyboard.ts'
import { enrolApp, heading, look, type Office, openOffice } from './support/office.ts'

const found = findChromium()
const skip = 'reason' in found ? found.reason : false

const PASSWORD = 'correct horse battery staple'
const WINDOWS = 'Mozilla/5.0 (Windows NT 10.0) Firefox/140.0'
const ENROLMENT = {
  byHand: 'Enter the key by hand instead',
  code: 'Six digits of the app',
  codes: 'Your recovery codes',
  saved: 'I have kept them',
  goOn: 'Go on',
}

/** One new person's way through the pages of a tenant, by keyboard alone. */
describe('the back-office of a tenant in a browser', { skip }, () => {
  let office: Office
  let page: Office['page']
  let recoveryCodes: string[] = []
  let programToken = ''
  const realm = () => tenantRealm(office.tenant)
  const added = (email: string, name: string, role: string) =>
    office.identity.people.add(realm(), { email, name, role, password: null })

  /** What a program gets. */
  const asked = (token: string) => {
    const headers = { authorization: `Bearer ${token}` }
    return office.edge.request({ host: office.tenant.hosts[0] as string, path: '/api/v1/people', headers })
  }

  before(async () => {
    office = await openOffice('path' in found ? found.path : '', 'en-GB')
    page = office.page
  })
  after(() => office?.stop())

  it('an invited person chooses a password and must set up a second factor', async () => {
    await requireSecondFactor(realm(), 'owner', true)
    const id = await added('mia@example.org', 'Mia Sommer', 'owner')
    const { token } = await office.identity.invitations.make(realm(), id)
    await page.goto(invitationLink(office.origin, token))
    await heading(page, 'Welcome, Mia Sommer')
    await look(page, 'invitation')

    await fill(page, 'Password', 'too short')
    await fill(page, 'Password again', 'too short')
    await page.keyboard.press('Enter')
    await page.getByRole('alert').filter({ hasText: 'too easy to guess' }).waitFor()
    await fill(page, 'Password', PASSWORD)
    await fill(page, 'Password again', PASSWORD)
    await page.keyboard.press('Enter')
    await heading(page, 'Set up a second factor')
    recoveryCodes = await enrolApp(page, ENROLMENT, 'member')
    assert.equal(recoveryCodes.length, 10)
    await heading(page, 'Users')
  })

  it('an invitation is good once', async () => {
    const { invitations } = office.identity
    const id = await added('zoe@example.org', 'Zoe', 'reader')
    const { token } = await invitations.make(realm(), id)
    await invitations.accept(realm(), token, PASSWORD)
    const other = await office.context.newPage()
    await other.goto(invitationLink(office.origin, token))
    await heading(other, 'This invitation is not good any more')
    await other.close()
    await page.reload()
    await heading(page, 'Users')
  })

  it('who lost a password gets in again by a reset', async () => {
    await press(page, 'Reset access: Zoe')
    await page.getByRole('dialog').waitFor()
    await look(page, 'reset')
    await press(page, 'Reset access')
    await page.getByRole('heading', { name: 'Invitation for Zoe' }).waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: 'Invitation link: Zoe' }).waitFor()
    await assert.rejects(office.identity.people.signIn(realm(), 'zoe@example.org', PASSWORD), { status: 401 })
  })

  it('an owner invites, changes a role, takes access away and gives it back', async () => {
    await press(page, 'Invite')
    await page.getByRole('dialog').waitFor()
    await fill(page, 'Name', 'Ben Winter')
    await fill(page, 'E-mail', 'ben@example.org')
    await look(page, 'invite')
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Invitation for Ben Winter' }).waitFor()
    assert.match(await page.locator('.secret code').innerText(), /\/office\/invitation#[\w-]{40,}$/)
    await look(page, 'invited')
    await page.keyboard.press('Escape')

    await tabTo(page, 'Role of Ben Winter')
    await page.keyboard.type('Editor')
    await page.getByText('Changed. The person signs in again.').waitFor()
    await look(page, 'users')
    await press(page, 'Remove access: Ben Winter')
    await page.getByRole('dialog').waitFor()
    await look(page, 'remove')
    await press(page, 'Remove access')
    await press(page, 'Give access back: Ben Winter')
    await page.getByRole('button', { name: 'Remove access: Ben Winter' }).waitFor()
    const ben = (await office.identity.people.list(realm())).find(({ name }) => name === 'Ben Winter')
    assert.deepEqual([ben?.role, ben?.state], ['editor', 'active'])
  })

  it('an owner gives a program access, apart from the people, and a token', async () => {
    await press(page, 'New service account')
    await page.getByRole('dialog').waitFor()
    await fill(page, 'Name', 'Cash desk')
    await tabTo(page, 'Role')
    await page.keyboard.type('Manager')
    await look(page, 'new-service-account')
    await press(page, 'Create')
    await press(page, 'New token: Cash desk')
    await fill(page, 'Name', 'key')
    await press(page, 'people.read', 'Space')
    await press(page, 'Create token')
    await page.getByRole('heading', { name: 'The new token of Cash desk' }).waitFor()
    programToken = await page.locator('.secret code').innerText()
    assert.equal((await asked(programToken)).status, 200)
    await page.keyboard.press('Escape')
    await look(page, 'service-accounts')
    assert.ok((await office.identity.people.list(realm())).every(({ name }) => name !== 'Cash desk'))
  })

  it('after a while, what lasts needs the second factor once more, and then is done', async () => {
    await realm().transaction((run) =>
      run(sql`UPDATE identity.session SET authenticated_at = authenticated_at - interval '1 hour'`),
    )
    await press(page, 'Roles')
    await heading(page, 'Roles')
    await look(page, 'roles')
    await press(page, 'Second factor required for Editor', 'Space')
    await page.getByRole('heading', { name: 'Show that it is you' }).waitFor()
    await look(page, 'step-up')
    await fill(page, 'Code', recoveryCodes.pop() as string)
    await page.keyboard.press('Enter')
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    const name = 'Second factor required for Editor'
    await page.getByRole('switch', { name, checked: true }).waitFor()
  })

  it('makes an API token that works, is shown once, and is revoked', async () => {
    await press(page, 'API tokens')
    await heading(page, 'API tokens')
    await look(page, 'no-tokens')
    await press(page, 'New token')
    await fill(page, 'Name', 'Ticket shop')
    await press(page, 'people.read', 'Space')
    await look(page, 'new-token')
    await press(page, 'Create token')
    await page.getByRole('heading', { name: 'Your new token' }).waitFor()
    await look(page, 'token')
    const token = await page.locator('.secret code').innerText()
    assert.equal((await asked(token)).status, 200)
    await page.keyboard.press('Escape')
    await look(page, 'tokens')
    await press(page, 'Revoke: Ticket shop')
    await page.getByRole('dialog').waitFor()
    await press(page, 'Revoke')
    await page.getByText('The token is revoked.').waitFor()
    assert.equal((await asked(token)).status, 401)
    await press(page, 'Revoke: key, Cash desk')
    await page.getByRole('dialog').waitFor()
    await press(page, 'Revoke')
    await page.getByRole('button', { name: 'Revoke: key, Cash desk' }).waitFor({ state: 'detached' })
    assert.equal((await asked(programToken)).status, 401)
  })

  it('shows the other devices, ends one, and signs out', async () => {
    const { people, sessions } = office.identity
    const mia = await people.signIn(realm(), 'mia@example.org', PASSWORD)
    await sessions.begin(realm(), mia, { device: WINDOWS, factors: ['pwd'] })
    await press(page, 'Sessions')
    await heading(page, 'Sessions')
    await page.getByText('this one').waitFor()
    await look(page, 'sessions')
    await press(page, 'End: Firefox · Windows')
    await page.getByText('The session has ended.').waitFor()
    assert.equal((await sessions.list(realm(), mia.id)).length, 1)
    await press(page, 'Activity')
    await heading(page, 'Activity')
    await look(page, 'activity')
    await press(page, 'Operator access')
    await heading(page, 'Operator access')
    await look(page, 'no-operator-access')
    await press(page, 'Audit trail')
    await heading(page, 'Audit trail')
    await page.getByRole('cell', { name: 'identity.person' }).first().waitFor()
    await look(page, 'audit')
    await press(page, 'Details')
    await page.getByRole('dialog').waitFor()
    await look(page, 'audit-details')
    await page.keyboard.press('Escape')
    await press(page, 'Payments')
    await page.getByText('Nothing is billed here.').waitFor()
    await look(page, 'no-payments')
    await press(page, 'Data and export')
    await page.getByText('Data is kept as long as the account is.').waitFor()
    await look(page, 'data')
    const saved = page.waitForEvent('download')
    await press(page, 'Download everything')
    assert.match((await saved).suggestedFilename(), /^t[0-9a-f]{12}-.*\.zip$/)
    await press(page, 'Sign-in and security')
    await heading(page, 'Sign-in and security')
    await page.getByText('recovery codes are left').waitFor()
    await look(page, 'security')
    await press(page, 'Sign out')
    await heading(page, 'Sign in')
    await look(page, 'sign-in')
  })

  it('hides a password that is typed, takes one that is pasted, and says to password managers which is which', async () => {
    const kept = page.getByLabel('Password', { exact: true })
    assert.equal(await kept.getAttribute('type'), 'password')
    assert.equal(await kept.getAttribute('autocomplete'), 'current-password')
    assert.equal(await page.getByLabel('E-mail').getAttribute('autocomplete'), 'username')
    await fill(page, 'E-mail', PASSWORD)
    await page.keyboard.press('ControlOrMeta+A')
    await page.keyboard.press('ControlOrMeta+X')
    await tabTo(page, 'Password')
    await page.keyboard.press('ControlOrMeta+V')
    assert.equal(await kept.inputValue(), PASSWORD)
  })

  it('signs in again with a recovery code, and another tab follows a sign-out', async () => {
    await fill(page, 'E-mail', 'mia@example.org')
    await fill(page, 'Password', 'not the right one')
    await page.keyboard.press('Enter')
    await page.getByText('E-mail and password do not match an account.').waitFor()
    await fill(page, 'Password', PASSWORD)
    await page.keyboard.press('Enter')
    await heading(page, 'Your second factor')
    await look(page, 'second-factor')
    await fill(page, 'Code', recoveryCodes.pop() as string)
    await page.keyboard.press('Enter')
    await heading(page, 'Users')
    const other = await office.context.newPage()
    await other.goto(`${office.origin}/office/account`)
    await heading(other, 'Sign-in and security')
    await press(page, 'Sign out')
    await heading(other, 'Sign in')
    await other.close()
  })

  it('runs nothing that the content security policy refuses, and throws nothing', () =>
    assert.deepEqual(office.refused, []))
})
