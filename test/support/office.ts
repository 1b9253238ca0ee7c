import assert from 'node:assert/strict'
import { join } from 'node:path'
import axe from 'axe-core'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'
import { platformModules } from '../../src/cli/platform.ts'
import type { SettingsLayer } from '../../src/kernel/settings.ts'
import type { EdgeApi } from '../../src/modules/edge/index.ts'
import type { IdentityApi } from '../../src/modules/identity/index.ts'
import { stepOf, totpCode } from '../../src/modules/identity/totp.ts'
import type { Tenant } from '../../src/modules/tenancy/index.ts'
import { fill, press } from './keyboard.ts'
import { type TestPlatform, testPlatform } from './platform.ts'

/** The back-office of a running platform, and a browser that looks at it. */
export interface Office {
  platform: TestPlatform
  identity: IdentityApi
  edge: EdgeApi
  tenant: Tenant
  /** Of the tenant, and of the operators' host. */
  origin: string
  adminOrigin: string
  context: BrowserContext
  page: Page
  /** What a page's policy refused, and what its script threw. */
  refused: string[]
  stop(): Promise<void>
}

/** A folder for pictures of every page, wide and narrow, light and dark; for people who look at them. */
const PICTURES = process.env['SURETY_PICTURES']
const SIZES = [
  { width: 390, height: 844, checked: 'light' },
  { width: 1440, height: 900, checked: 'dark' },
] as const
const FLAGS = ['--headless', '--no-sandbox', '--disable-gpu']

// What runs inside the page sees these.
declare const window: { axe: { run(): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> } }
declare const document: { documentElement: { scrollWidth: number } }

/** Starts all of it. `locale` is the browser's, `layer` of the platform's settings. */
export async function openOffice(
  executablePath: string,
  locale: string,
  layer: SettingsLayer = {},
): Promise<Office> {
  const platform = await testPlatform(platformModules, layer)
  await platform.serve()
  const door = platform.api('edge') as EdgeApi
  const tenant = await platform.makeTenant('rows')
  const chrome: Browser = await chromium.launch({ executablePath, args: FLAGS })
  const context = await chrome.newContext({ ignoreHTTPSErrors: true, locale })
  const page = await context.newPage()
  const refused: string[] = []
  page.on('console', (message) => {
    // A refusal is an answer that the browser tells of as well; what a provider's page lacks is not ours.
    const ours = new URL(page.url()).hostname.endsWith('.localhost')
    const refusal = /status of 4\d\d/.test(message.text())
    if (ours && !refusal && message.type() === 'error') refused.push(message.text())
  })
  page.on('pageerror', (error) => refused.push(error.message))
  return {
    platform,
    identity: platform.api('identity') as IdentityApi,
    edge: door,
    tenant,
    origin: `https://${tenant.hosts[0]}${door.portInLinks}`,
    adminOrigin: `https://${door.adminHost}${door.portInLinks}`,
    context,
    page,
    refused,
    async stop() {
      await chrome.close()
      await platform.stop()
    },
  }
}

/** Waits until the page with this heading is there. */
export const heading = (page: Page, text: string): Promise<void> =>
  page.getByRole('heading', { level: 1, name: text }).waitFor({ timeout: 15_000 })

/**
 * What holds for every page: nothing that axe-core finds, and no scrolling sideways on a narrow screen. Both layouts and
 * both schemes of colours are looked at, but not each with each: axe-core is slow.
 */
export async function look(page: Page, name: string): Promise<void> {
  for (const { checked, ...size } of SIZES) {
    await page.setViewportSize(size)
    for (const colorScheme of PICTURES ? (['light', 'dark'] as const) : [checked]) {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
      if (PICTURES)
        await page.screenshot({ path: join(PICTURES, `${name}-${size.width}-${colorScheme}.png`) })
      if (colorScheme === checked) await checkAccess(page, `${name} at ${size.width}, ${colorScheme}`)
    }
    const width = await page.evaluate(() => document.documentElement.scrollWidth)
    assert.ok(width <= size.width, `${name} is ${width} wide on ${size.width}`)
  }
  await page.emulateMedia({ colorScheme: 'light' })
}

async function checkAccess(page: Page, where: string): Promise<void> {
  await page.evaluate(axe.source)
  const { violations } = await page.evaluate(() => window.axe.run())
  const seen = violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`)
  assert.deepEqual(seen, [], where)
}

/** The words of the pages that a walk through them needs. */
export interface EnrolmentWords {
  byHand: string
  code: string
  codes: string
  saved: string
  goOn: string
}

/** Sets up an authenticator app by keyboard; gives the recovery codes. `picture` names what is looked at. */
export async function enrolApp(page: Page, words: EnrolmentWords, picture: string): Promise<string[]> {
  await press(page, words.byHand)
  await look(page, `${picture}-enrolment`)
  const secret = await page.locator('.secret code').innerText()
  await fill(page, words.code, totpCode(unbase32(secret), stepOf(new Date())))
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: words.codes }).waitFor()
  await look(page, `${picture}-codes`)
  const codes = (await page.locator('.secret code').innerText()).split('\n')
  await press(page, words.saved, 'Space')
  await press(page, words.goOn)
  return codes
}

function unbase32(text: string): Buffer {
  const bits = [...text.replaceAll(/\s/g, '')].map((letter) =>
    'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(letter).toString(2).padStart(5, '0'),
  )
  return Buffer.from((bits.join('').match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)))
}
