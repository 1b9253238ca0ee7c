import type { Page } from 'playwright-core'

/** How often Tab is pressed before something counts as not to be reached. */
const MOST = 60

// What runs inside the page sees these.
declare const document: { activeElement: Focused | null }
interface Focused {
  tagName: string
  textContent: string
  labels?: { 0?: { textContent: string } } | null
  getAttribute(name: string): string | null
}

/**
 * Presses Tab until the focus is on something whose label or text is `name`. Throws when it cannot be reached, with
 * what was passed on the way.
 */
export async function tabTo(page: Page, name: string): Promise<void> {
  const passed: string[] = []
  for (let i = 0; i < MOST; i++) {
    const focused = await page.evaluate(() => {
      const element = document.activeElement
      const label = element?.labels?.[0]?.textContent ?? element?.getAttribute('aria-label')
      return (label ?? element?.textContent ?? '').trim()
    })
    if (i > 0 && focused === name) return
    passed.push(focused.slice(0, 40))
    await page.keyboard.press('Tab')
  }
  throw new Error(`The keyboard does not reach "${name}"; it passed: ${[...new Set(passed)].join(' | ')}`)
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
