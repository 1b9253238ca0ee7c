import { chromium, type Page } from 'playwright-core'

// What runs inside the page sees these.
declare const document: { cookie: string }
declare const PublicKeyCredential: {
  parseCreationOptionsFromJSON(options: unknown): unknown
  parseRequestOptionsFromJSON(options: unknown): unknown
}
declare const navigator: {
  credentials: Record<'create' | 'get', (options: unknown) => Promise<{ toJSON(): unknown }>>
}

interface Answer {
  status: number
  body: Record<string, unknown> & { code?: string; recoveryCodes?: string[] | null }
}

/** A Chromium at one page, with an authenticator that checks its person and says yes to everything. */
export interface PasskeyBrowser {
  /** Asks from the page, as its script would. */
  ask(method: string, path: string, body?: unknown): Promise<Answer>
  /** Lets the authenticator make (`create`) or show (`get`) a passkey; rejects as the browser does. */
  answer(kind: 'create' | 'get', options: unknown): Promise<unknown>
  forgetCookies(): Promise<void>
  forgetKeys(): Promise<unknown>
  checkPerson(yes: boolean): Promise<unknown>
  /** The keys as they are now; `putBack` makes the authenticator hold exactly these, with their counts of now. */
  copyKeys(): Promise<{ putBack(): Promise<void> }>
  close(): Promise<void>
}

/** Opens `url`, which must be of a host whose passkeys are tried. */
export async function openPasskeyBrowser(executablePath: string, url: string): Promise<PasskeyBrowser> {
  const args = ['--headless', '--no-sandbox', '--disable-gpu', '--ignore-certificate-errors']
  const chrome = await chromium.launch({ executablePath, args })
  const context = await chrome.newContext({ ignoreHTTPSErrors: true })
  const page = await context.newPage()
  await page.goto(url)
  const device = await context.newCDPSession(page)
  await device.send('WebAuthn.enable')
  const { authenticatorId } = await device.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  })
  const forgetKeys = () => device.send('WebAuthn.clearCredentials', { authenticatorId })
  return {
    ask: (method, path, body) => ask(page, method, path, body),
    answer: (kind, options) => answer(page, kind, options),
    forgetCookies: () => context.clearCookies(),
    forgetKeys,
    checkPerson: (yes) => device.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified: yes }),
    async copyKeys() {
      const { credentials } = await device.send('WebAuthn.getCredentials', { authenticatorId })
      return {
        async putBack() {
          await forgetKeys()
          for (const credential of credentials)
            await device.send('WebAuthn.addCredential', { authenticatorId, credential })
        },
      }
    },
    close: () => chrome.close(),
  }
}

function ask(page: Page, method: string, path: string, body: unknown): Promise<Answer> {
  return page.evaluate(
    async ({ method, path, body }) => {
      const token = /__Host-surety-csrf=([^;]+)/.exec(document.cookie)?.[1] ?? ''
      const type = body ? { 'content-type': 'application/json' } : {}
      const sent = body ? { body: JSON.stringify(body) } : {}
      const answer = await fetch(path, { method, headers: { 'x-csrf-token': token, ...type }, ...sent })
      return {
        status: answer.status,
        body: (answer.status === 204 ? {} : await answer.json()) as Answer['body'],
      }
    },
    { method, path, body },
  )
}

function answer(page: Page, kind: 'create' | 'get', options: unknown): Promise<unknown> {
  return page.evaluate(
    async ({ kind, options }) => {
      const publicKey =
        kind === 'create'
          ? PublicKeyCredential.parseCreationOptionsFromJSON(options)
          : PublicKeyCredential.parseRequestOptionsFromJSON(options)
      return (await navigator.credentials[kind]({ publicKey })).toJSON()
    },
    { kind, options },
  )
}
