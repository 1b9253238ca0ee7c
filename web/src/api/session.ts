// When to refresh, known to all tabs. The tokens themselves are in cookies that no script reads.
const REFRESH_AT = 'surety-refresh-at'
const IMPERSONATION = 'surety-impersonation'
const LOCK = 'surety-refresh'
const SIGNED_OUT = 'surety-signed-out'
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

/** After a sign-out: nothing of the person stays in this tab, not even in the memory of its script. */
export function leave(): void {
  forgetSession()
  location.assign('/office/sign-in')
}

/** Tells this tab that an answer said so: the session is over. */
export const tellSignedOut = (): void => void dispatchEvent(new Event(SIGNED_OUT))

/** Calls back when the session is over: by an answer, or because another tab signed out. */
export function onSignedOut(work: () => void): () => void {
  const elsewhere = ({ key, newValue }: StorageEvent) => key === REFRESH_AT && newValue === null && work()
  addEventListener('storage', elsewhere)
  addEventListener(SIGNED_OUT, work)
  return () => {
    removeEventListener('storage', elsewhere)
    removeEventListener(SIGNED_OUT, work)
  }
}

/**
 * Exchanges the refresh token; false when the session is over. Only one tab does it at a time: a token that several use
 * at once would look stolen. Who finds another at it waits and takes what that one brought.
 */
export async function refresh(): Promise<boolean> {
  const done = await navigator.locks.request(LOCK, { ifAvailable: true }, (lock) => lock && exchange())
  return done ?? navigator.locks.request(LOCK, () => true)
}

async function exchange(): Promise<boolean> {
  const answer = await fetch('/api/v1/auth/refresh', { method: 'POST' }).catch(() => null)
  if (answer?.ok) noteStarted(await answer.json())
  return answer?.ok === true
}

/** What an operator who acts in a member's name holds; in this tab alone. */
export const impersonationToken = (): string | null => sessionStorage.getItem(IMPERSONATION)

/** Acts by it from now on in this tab. */
export const keepImpersonation = (token: string): void => sessionStorage.setItem(IMPERSONATION, token)
