import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { tenantRealm } from '../src/modules/identity/index.ts'
import { findChromium } from './support/chromium.ts'
import { fill, press } from './support/keyboard.ts'
import { type MailServer, openMailServer } from './support/mailServer.ts'
import { heading, look, type Office, openOffice } from './support/office.ts'

const found = findChromium()
const skip = 'reason' in found ? found.reason : false
const EMAIL = 'mia@example.org'
const NEXT = 'another long sentence'

describe('a forgotten password in a browser', { skip }, () => {
  let mails: MailServer
  let office: Office
  before(async () => {
    mails = await openMailServer()
    office = await openOffice('path' in found ? found.path : '', 'en-GB', { mail: mails.settings })
    await office.identity.people.add(tenantRealm(office.tenant), {
      email: EMAIL,
      name: 'Mia Sommer',
      role: 'owner',
      password: 'a long enough sentence',
    })
  })
  after(async () => {
    await office?.stop()
    await mails?.close()
  })

  it('is replaced by way of a mail, by keyboard alone', async () => {
    const { page, origin, refused } = office
    await page.goto(`${origin}/office/`)
    await heading(page, 'Sign in')
    await press(page, 'Forgotten your password?')
    await heading(page, 'Choose a new password')
    await look(page, 'forgotten')
    await fill(page, 'E-mail', EMAIL)
    await page.keyboard.press('Enter')
    await heading(page, 'Look into your mail')
    await look(page, 'forgotten-sent')
    const { body } = await mails.take(({ to }) => to[0] === EMAIL)
    const link = /https:\S+/.exec(body)?.[0] as string
    assert.ok(link.startsWith(`${origin}/office/invitation#`), link)
    await page.goto(link)
    await heading(page, 'Welcome, Mia Sommer')
    await fill(page, 'Password', NEXT)
    await fill(page, 'Password again', NEXT)
    await page.keyboard.press('Enter')
    await heading(page, 'Users')
    assert.deepEqual(refused, [])
  })
})
