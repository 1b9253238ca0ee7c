import { chromium } from 'playwright-core'

const [, , url, out, w = '1440', scheme = 'light', full] = process.argv
const b = await chromium.launch({
  executablePath: '/usr/bin/chromium',
  args: ['--headless', '--no-sandbox', '--disable-gpu'],
})
const p = await b.newPage({
  ignoreHTTPSErrors: true,
  colorScheme: scheme,
  viewport: { width: Number(w), height: 900 },
})
p.on('console', (m) => m.type() === 'error' && console.log('console', m.text()))
await p.goto(url)
await p.waitForTimeout(800)
await p.screenshot({ path: out, fullPage: !!full })
await b.close()
