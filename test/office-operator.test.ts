import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { setUpLink, tenantRealm } from '../src/modules/identity/index.ts'
import type { JobsApi } from '../src/modules/jobs/index.ts'
import { findChromium } from './support/chromium.ts'
import { fill, press } from './support/keyboard.ts'
import { enrolApp, heading, look, type Office, openOffice } from './support/office.ts'

const found = findChromium()
const skip = 'reason' in found ? found.reason : false

const PASSWORD = 'richtig Pferd Batterie Heftklammer'
const REASON = 'Anfrage 4711: der Import schlägt fehl'
const ENROLMENT = {
  byHand: 'Schlüssel stattdessen von Hand eingeben',
  code: 'Sechs Ziffern der App',
  codes: 'Ihre Wiederherstellungscodes',
  saved: 'Ich habe sie aufbewahrt',
  goOn: 'Weiter',
}
/** Answers by itself, as a device does on which somebody puts a finger. */
const AUTHENTICATOR = {
  protocol: 'ctap2',
  transport: 'internal',
  hasResidentKey: true,
  hasUserVerification: true,
  isUserVerified: true,
  automaticPresenceSimulation: true,
} as const

/** The first operator's way, in German, by keyboard alone. */
describe('the back-office of the operators in a browser', { skip }, () => {
  let office: Office
  let page: Office['page']
  let link = ''

  before(async () => {
    office = await openOffice('path' in found ? found.path : '', 'de-DE')
    page = office.page
    // Suspensions are jobs.
    await (office.platform.api('jobs') as JobsApi).work()
  })
  after(() => office?.stop())

  it('says on the sign-in page how the first operator comes in, while there is none', async () => {
    await page.goto(office.adminOrigin)
    await heading(page, 'Anmeldung für Betreiber')
    assert.equal(await page.getByRole('note').count(), 0)
    link = setUpLink(office.adminOrigin, (await office.identity.setUp.offer()) as string)
    await page.reload()
    await page.getByRole('note').filter({ hasText: 'surety operator set-up-link' }).waitFor()
    await look(page, 'operator-sign-in')
  })

  it('lets the first operator in by the link of the start, and enrols a second factor', async () => {
    // In a new tab: the address differs in the fragment alone, which would not load the page anew.
    await page.goto('about:blank')
    await page.goto(link)
    await heading(page, 'Surety einrichten')
    await fill(page, 'Ihr Name', 'Olga Prinz')
    await fill(page, 'E-Mail', 'op@example.org')
    await fill(page, 'Passwort', 'zu kurz')
    await fill(page, 'Passwort wiederholen', 'zu lang')
    await page.keyboard.press('Enter')
    await page.getByText('Die beiden sind nicht gleich.').waitFor()
    await fill(page, 'Passwort wiederholen', 'zu kurz')
    await page.keyboard.press('Enter')
    await page.getByText('Dieses Passwort ist zu leicht zu erraten').waitFor()
    await look(page, 'set-up')
    await fill(page, 'Passwort', PASSWORD)
    await fill(page, 'Passwort wiederholen', PASSWORD)
    await page.keyboard.press('Enter')
    await heading(page, 'Zweiten Faktor einrichten')
    await enrolApp(page, ENROLMENT, 'operator')
    await heading(page, 'Mandanten')
  })

  it('sets up nobody else', async () => {
    const tab = await office.context.newPage()
    await tab.goto(link)
    await heading(tab, 'Dieser Link gilt nicht mehr')
    await press(tab, 'English')
    await heading(tab, 'This link is not good any more')
    await look(tab, 'set-up-over')
    await press(tab, 'Deutsch')
    await heading(tab, 'Dieser Link gilt nicht mehr')
    await tab.close()
  })

  it('shows every tenant with its state, and no canaries', async () => {
    await page.getByRole('rowheader', { name: office.tenant.name }).waitFor()
    assert.equal(await page.getByText('canary-').count(), 0)
    await look(page, 'tenants')
  })

  it('suspends a tenant and reactivates it', async () => {
    await press(page, `Aussetzen: ${office.tenant.name}`)
    await page.getByRole('dialog').waitFor()
    await look(page, 'suspend')
    await press(page, 'Aussetzen')
    await press(page, `Wieder freigeben: ${office.tenant.name}`)
    await page.getByRole('row', { name: office.tenant.name }).getByText('ausgesetzt').waitFor()
    await page.getByRole('dialog').waitFor()
    await press(page, 'Wieder freigeben')
    await page.getByRole('button', { name: `Aussetzen: ${office.tenant.name}` }).waitFor()
  })

  it('shows the backups and drills that there are', async () => {
    await press(page, 'Sicherungen')
    const none = page.getByText('Es gibt noch keine Sicherung.')
    await page.getByRole('table', { name: 'Sicherungen' }).or(none).waitFor()
    await look(page, 'backups')
    await press(page, 'Mandanten')
    await heading(page, 'Mandanten')
  })

  it('acts in a member’s name: with a reason, under a banner, without what lasts', async () => {
    const realm = tenantRealm(office.tenant)
    const member = { email: 'mia@example.org', name: 'Mia', role: 'owner', password: PASSWORD }
    await office.identity.people.add(realm, member)
    await press(page, `Handeln als …: ${office.tenant.name}`)
    await fill(page, 'E-Mail des Mitglieds', 'mia@example.org')
    await fill(page, 'Grund', REASON)
    await look(page, 'act')
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Bereit' }).waitFor()
    const opened = office.context.waitForEvent('page')
    await press(page, `${office.tenant.name} in neuem Tab öffnen`)
    const tab = await opened
    await heading(tab, 'Benutzer')
    assert.equal(new URL(tab.url()).hash, '')
    await tab.getByText('op@example.org handelt im Namen von Mia.').waitFor()
    await look(tab, 'impersonated')
    assert.equal(await tab.getByRole('button', { name: 'Einladen' }).count(), 0)
    await press(tab, 'Zugriffe des Betreibers')
    await tab.getByText(REASON).waitFor()
    await look(tab, 'operator-access')
    await press(tab, 'Beenden')
    await heading(tab, 'Anmelden')
    await tab.close()
    await page.keyboard.press('Escape')
  })

  it('adds a passkey and signs in by it alone', async () => {
    const devtools = await office.context.newCDPSession(page)
    await devtools.send('WebAuthn.enable')
    await devtools.send('WebAuthn.addVirtualAuthenticator', { options: AUTHENTICATOR })
    await press(page, 'Anmeldung und Sicherheit')
    await heading(page, 'Anmeldung und Sicherheit')
    await press(page, 'Passkey hinzufügen')
    await fill(page, 'Name', 'Dienstrechner')
    await look(page, 'passkey')
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: 'Entfernen: Dienstrechner' }).waitFor()
    await look(page, 'operator-security')
    await press(page, 'Abmelden')
    await heading(page, 'Anmeldung für Betreiber')
    await press(page, 'Mit Passkey anmelden')
    await heading(page, 'Mandanten')
    await press(page, 'Rollen')
    await heading(page, 'Rollen')
    await look(page, 'operator-roles')
    await press(page, 'Anmeldung und Sicherheit')
    await press(page, 'Entfernen: Dienstrechner')
    await page.getByText('Der Passkey ist entfernt.').waitFor()
  })

  it('opens the menu on a narrow screen', async () => {
    await page.setViewportSize({ width: 390, height: 844 })
    await press(page, 'Menü')
    await page.getByRole('link', { name: 'Mandanten' }).waitFor()
    await look(page, 'menu')
    await page.setViewportSize({ width: 390, height: 844 })
    await press(page, 'Mandanten')
    await heading(page, 'Mandanten')
    assert.equal(await page.getByRole('link', { name: 'Rollen' }).isVisible(), false)
  })

  it('runs nothing that the content security policy refuses, and throws nothing', () =>
    assert.deepEqual(office.refused, []))
})
