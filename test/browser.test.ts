import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { type Browser, chromium, type Page } from 'playwright-core'
import { type EdgeApi, edge } from '../src/modules/edge/index.ts'
import { trust } from '../src/modules/trust/index.ts'
import type { ProofApi } from '../src/proof/api.ts'
import { proof } from '../src/proof/index.ts'
import { findChromium } from './support/chromium.ts'
import { type TestPlatform, testPlatform } from './support/platform.ts'

const found = findChromium()
const skip = 'reason' in found ? found.reason : false
const executablePath = 'path' in found ? found.path : undefined

describe('the trust center in a browser', { skip }, () => {
  let platform: TestPlatform
  let door: EdgeApi
  let browser: Browser
  let page: Page
  let origin: string
  let measures = 0
  const refused: string[] = []
  const get = (path: string, host = 'trust.localhost') =>
    door.request({ path, host, serverName: 'trust.localhost' })

  before(async () => {
    platform = await testPlatform([proof, edge, trust])
    const api = platform.api('proof') as ProofApi
    for (const { key } of api.measures()) await api.run(key)
    measures = api.measures().length
    await platform.serve()
    door = platform.api('edge') as EdgeApi
    origin = `https://trust.localhost${door.portInLinks}`
    const args = [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ]
    browser = await chromium.launch({ executablePath, args })
    page = await browser.newPage({ ignoreHTTPSErrors: true })
    page.on('console', (message) => message.type() === 'error' && refused.push(message.text()))
  })
  after(async () => {
    await browser?.close()
    await platform?.stop()
  })

  for (const [language, word] of [
    ['de', 'bewiesen'],
    ['en', 'proven'],
  ] as const) {
    it(`shows every measure with its outcome in ${language}, and each leads to what was tried`, async () => {
      await page.goto(`${origin}/${language}`)
      assert.equal(await page.locator('html').getAttribute('lang'), language)
      assert.equal(await page.locator('.measures .badge.good', { hasText: word }).count(), measures)
      await page.locator('.measures a').first().click()
      assert.equal(await page.locator('h1').count(), 1)
      assert.ok((await page.locator('tbody tr.ok').count()) > 3)
    })
  }

  it('fits a narrow screen without scrolling sideways', async () => {
    await page.setViewportSize({ width: 390, height: 800 })
    for (const path of ['/de', '/de/measures/tenancy.sqli']) {
      await page.goto(`${origin}${path}`)
      assert.ok(((await page.evaluate('document.documentElement.scrollWidth')) as number) <= 390, path)
    }
  })

  it('gives the public answer as JSON, a clear 404, and 421 for any other host', async () => {
    const answer = await get('/api/v1/measures')
    assert.deepEqual(JSON.parse(answer.body).totals, { proven: measures })
    const unknown = await get('/api/v1/measures/no.such')
    assert.deepEqual([unknown.status, JSON.parse(unknown.body).code], [404, 'measure-unknown'])
    assert.equal((await get('/xx')).status, 404)
    assert.equal((await get('/api/v1/evidence/-1/bundle')).status, 400)
    assert.equal((await get('/en', 'elsewhere.localhost')).status, 421)
  })

  it('loads nothing that its content security policy refuses', () => assert.deepEqual(refused, []))
})
