import type { Routes } from './routes.ts'
import { impersonationToken, noteStarted, refresh, refreshIsDue, tellSignedOut } from './session.ts'
import { stepUp } from './stepUp.ts'

/** An answer that is a problem (RFC 9457), or no answer at all (`status` 0). */
export class Refused extends Error {
  readonly status: number
  readonly code: string

  constructor(status: number, code: string, detail: string) {
    super(detail)
    this.status = status
    this.code = code
  }
}

interface Given {
  path?: Record<string, string>
  query?: Record<string, string>
  body?: unknown
}
type Input<Route extends keyof Routes> = Omit<Routes[Route], 'answer'>
type Arguments<Route extends keyof Routes> = keyof Input<Route> extends never ? [] : [Input<Route>]

/** Routes that answer without a session: for them nothing is refreshed. */
const OPEN =
  /^(GET \/api\/v1\/(openapi\.json|tenant|set-up|auth\/sso)|POST \/api\/v1\/(set-up|auth\/(sign-in|refresh|invitation|forgotten-password|sso|passkey\/sign-in)))\b/

/** A session may have to be refreshed, its person asked once more, and its token fetched. */
const MOST_AGAIN = 3

/** Their 401 says that the password was wrong, not that the session is over. */
const ASKS_PASSWORD = /^(POST \/api\/v1\/auth\/password|DELETE \/api\/v1\/auth\/totp)$/

/**
 * Asks one route of this host. Refreshes the session before it runs out, or when an answer says that it did. Throws
 * `Refused`.
 */
export async function call<Route extends keyof Routes>(
  route: Route,
  ...[input]: Arguments<Route>
): Promise<Routes[Route]['answer']> {
  const given = (input ?? {}) as Given
  if (OPEN.test(route)) return read(await send(route, given))
  const asksPassword = ASKS_PASSWORD.test(route)
  const ownSession = impersonationToken() === null
  if (ownSession && refreshIsDue()) await refresh()
  let answer = await send(route, given)
  for (let left = MOST_AGAIN; left > 0 && ownSession && (await mayHelp(answer, asksPassword)); left--)
    answer = await send(route, given)
  if (answer.status === 401 && !asksPassword) tellSignedOut()
  return read(answer)
}

/** Whether the same request may be answered otherwise now. */
async function mayHelp(answer: Response, asksPassword: boolean): Promise<boolean> {
  if (answer.status === 401) return !asksPassword && refresh()
  if (answer.status !== 403) return false
  const { code } = (await answer.clone().json()) as { code?: string }
  if (code === 'step-up-needed') return stepUp()
  // The session is a new one since the cookie was set: any answer to a signed-in person sets it anew.
  if (code !== 'csrf-token') return false
  await send('GET /api/v1/auth/me', {})
  return true
}

function send(route: keyof Routes, { path = {}, query = {}, body }: Given): Promise<Response> {
  const [method = '', template = ''] = route.split(' ')
  const bearer = impersonationToken()
  const headers: Record<string, string> = {
    accept: 'application/json',
    ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    ...(bearer ? { authorization: `Bearer ${bearer}` } : {}),
    ...(method === 'GET' ? {} : { 'x-csrf-token': csrfToken() }),
  }
  const filled = template.replace(/:(\w+)/g, (_, name: string) => encodeURIComponent(path[name] ?? ''))
  const asked = new URLSearchParams(query).toString()
  const url = asked ? `${filled}?${asked}` : filled
  return fetch(url, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) }).catch(
    (error: Error) => {
      throw new Refused(0, 'offline', error.message)
    },
  )
}

async function read<Answer>(answer: Response): Promise<Answer> {
  const content = answer.status === 204 ? null : await answer.json().catch(() => null)
  if (!answer.ok) throw new Refused(answer.status, content?.code ?? 'unknown', content?.detail ?? '')
  noteStarted(content)
  return content as Answer
}

const csrfToken = (): string => /(?:^|; )__Host-surety-csrf=([^;]+)/.exec(document.cookie)?.[1] ?? ''
