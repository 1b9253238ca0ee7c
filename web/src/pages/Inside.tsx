import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Outlet, useRouterState } from '@tanstack/react-router'
import { useEffect, useState } from 'react'
import { call } from '../api/call.ts'
import { reading, showSignedOut, whoAmI } from '../api/queries.ts'
import type { Me } from '../api/routes.ts'
import { impersonationToken, leave, onSignedOut } from '../api/session.ts'
import { isOperators } from '../audience.ts'
import { Go } from '../parts/Go.tsx'
import { Loaded } from '../parts/Loaded.tsx'
import { OtherLanguage, useMoment, useWords } from '../words/index.tsx'
import { Impersonated } from './Impersonated.tsx'
import { Navigation } from './Navigation.tsx'

/** The frame around every page of somebody who is all the way in; others are led to where they get in. */
export function Inside() {
  const me = useQuery(whoAmI)
  const client = useQueryClient()
  useEffect(() => onSignedOut(() => showSignedOut(client)), [client])
  return (
    <Loaded query={me}>
      {(person) =>
        person === null ? (
          <Onwards to="/sign-in" />
        ) : person.secondFactorDue && !person.impersonator ? (
          <Onwards to="/second-factor" />
        ) : (
          <Frame me={person} />
        )
      }
    </Loaded>
  )
}

/** To a page that leads back here afterwards. */
function Onwards({ to }: { to: string }) {
  const pathname = useRouterState({ select: ({ location }) => location.pathname })
  return <Go to={to} search={pathname === '/' ? {} : { next: pathname }} />
}

function Frame({ me }: { me: Me }) {
  const words = useWords()
  const [open, setOpen] = useState(false)
  const here = useRouterState({ select: ({ location }) => location.pathname })
  // A page that was chosen from the menu is seen without it.
  // biome-ignore lint/correctness/useExhaustiveDependencies: the address is what it waits for
  useEffect(() => setOpen(false), [here])
  return (
    <>
      <a className="skip" href="#content">
        {words.skip}
      </a>
      {me.impersonator && <Impersonated me={me} />}
      <div className="frame" data-open={open}>
        <header className="bar">
          <Name />
          <button
            type="button"
            className="menu"
            aria-expanded={open}
            aria-controls="menu"
            onClick={() => setOpen(!open)}
          >
            {words.menu}
          </button>
        </header>
        <aside className="side" id="menu" aria-label={words.menu}>
          <Name />
          <Navigation me={me} />
          <Foot me={me} />
        </aside>
        <main id="content" tabIndex={-1}>
          <Suspended />
          <Outlet />
        </main>
      </div>
    </>
  )
}

function Name() {
  const tenant = useTenant()
  return <p className="name">{isOperators ? 'Surety' : (tenant?.name ?? 'Surety')}</p>
}

function Suspended() {
  const { suspended: words } = useWords()
  const moment = useMoment()
  const suspended = useTenant()?.state === 'suspended'
  const { data: account } = useQuery({ ...reading('GET /api/v1/account'), enabled: suspended })
  if (!suspended) return null
  return (
    <p className="notice">
      {words.now} {account?.erasedAfter && words.until(moment(account.erasedAfter), account.daysLeft ?? 0)}
    </p>
  )
}

const useTenant = () => useQuery({ ...reading('GET /api/v1/tenant'), enabled: !isOperators }).data

function Foot({ me }: { me: Me }) {
  const words = useWords()
  const signOut = async () => {
    if (impersonationToken() === null) await call('POST /api/v1/auth/sign-out').catch(() => undefined)
    leave()
  }
  return (
    <footer>
      <p className="who">
        {me.name}
        <span>{me.email}</span>
      </p>
      <button type="button" className="plain" onClick={() => void signOut()}>
        {words.signOut}
      </button>
      <OtherLanguage />
    </footer>
  )
}
