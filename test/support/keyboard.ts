import type { Page } from 'playwright-core'

/** How often Tab is pressed in one round, how long between two (ms), and until when. */
const MOST = 60
const PAUSE_MS = 250
const PATIENCE_MS = 15_000

// What runs inside the page sees these.
declare const document: { activeElement: Focused | null }
interface Focused {
  tagName: string
  textContent: string
  labels?: { 0?: { textContent: string } } | null
  getAttribute(name: string): string | null
}

/**
 * Presses Tab until the focus is on something whose label or text is `name`; waits a while for it to appear. Throws when
 * it cannot be reached, with what was passed on the way.
 */
export async function tabTo(page: Page, name: string): Promise<void> {
  const passed = new Set<string>()
  for (const began = Date.now(); Date.now() - began < PATIENCE_MS; await page.waitForTimeout(PAUSE_MS))
    for (let i = 0; i < MOST; i++) {
      await page.keyboard.press('Tab')
      const focused = await nameOfFocused(page)
      if (focused === name) return
      passed.add(focused.slice(0, 40))
    }
  throw new Error(`The keyboard does not reach "${name}"; it passed: ${[...passed].join(' | ')}`)
}

function nameOfFocused(page: Page): Promise<string> {
  return page.evaluate(() => {
    const element = document.activeElement
    const label = element?.labels?.[0]?.textContent ?? element?.getAttribute('aria-label')
    return (label ?? element?.textContent ?? '').trim()
  })
}

/** Types into the field labelled `name`. */
export async function fill(page: Page, name: string, text: string): Promise<void> {
  await tabTo(page, name)
  await page.keyboard.press('ControlOrMeta+A')
  await page.keyboard.type(text)
}

/** Presses the button, link, summary or box `name`. */
export async function press(page: Page, name: string, key: 'Enter' | 'Space' = 'Enter'): Promise<void> {
  await tabTo(page, name)
  await page.keyboard.press(key)
}
