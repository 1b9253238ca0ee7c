// When to refresh, known to all tabs. The tokens themselves are in cookies that no script reads.
const REFRESH_AT = 'surety-refresh-at'
const IMPERSONATION = 'surety-impersonation'
/** Of the life of an access token: what is left is for slow networks. */
const SHARE = 0.8

/** Whether somebody may be signed in here; if not, nobody needs to ask. */
export function mayBeSignedIn(): boolean {
  return (
    document.documentElement.dataset.cookies === 'yes' ||
    localStorage.getItem(REFRESH_AT) !== null ||
    impersonationToken() !== null
  )
}

/** Whether the access token runs out soon. */
export const refreshIsDue = (): boolean => Date.now() >= Number(localStorage.getItem(REFRESH_AT) ?? 0)

/** Looks whether an answer began or refreshed a session. One that does not say for how long is refreshed at once. */
export function noteStarted(answer: { accessFor?: number; session?: string | null } | null): void {
  if (typeof answer?.accessFor === 'number')
    localStorage.setItem(REFRESH_AT, String(Date.now() + answer.accessFor * 1000 * SHARE))
  else if (typeof answer?.session === 'string' && localStorage.getItem(REFRESH_AT) === null)
    localStorage.setItem(REFRESH_AT, '0')
}

/** The session is over: for this tab and, by the storage event, for all others; acting for somebody, for this tab alone. */
export function forgetSession(): void {
  if (impersonationToken() !== null) {
    sessionStorage.removeItem(IMPERSONATION)
    return
  }
  document.documentElement.dataset.cookies = 'no'
  localStorage.removeItem(REFRESH_AT)
}

/** Calls back when another tab signs out. */
export function onSignedOutElsewhere(work: () => void): () => void {
  const listen = ({ key, newValue }: StorageEvent) => key === REFRESH_AT && newValue === null && work()
  addEventListener('storage', listen)
  return () => removeEventListener('storage', listen)
}

/**
 * Exchanges the refresh token; false when the session is over. Only one tab does it at a time, and those that waited
 * take what it brought: a token that is used by several tabs at once would look stolen.
 */
export function refresh(): Promise<boolean> {
  const before = localStorage.getItem(REFRESH_AT)
  return navigator.locks.request('surety-refresh', async () => {
    const now = localStorage.getItem(REFRESH_AT)
    if (now !== before && now !== null && !refreshIsDue()) return true
    const answer = await fetch('/api/v1/auth/refresh', { method: 'POST' }).catch(() => null)
    if (!answer?.ok) return false
    noteStarted(await answer.json())
    return true
  })
}

/** What an operator who acts in a member's name holds; in this tab alone. */
export const impersonationToken = (): string | null => sessionStorage.getItem(IMPERSONATION)

/** Acts by it from now on in this tab. */
export const keepImpersonation = (token: string): void => sessionStorage.setItem(IMPERSONATION, token)
