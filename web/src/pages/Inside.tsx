import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Navigate, Outlet, useRouterState } from '@tanstack/react-router'
import { useEffect, useState } from 'react'
import { call } from '../api/call.ts'
import { reading, showSignedOut, whoAmI } from '../api/queries.ts'
import type { Me } from '../api/routes.ts'
import { impersonationToken, onSignedOutElsewhere } from '../api/session.ts'
import { isOperators } from '../audience.ts'
import { Loaded } from '../parts/Loaded.tsx'
import { OtherLanguage, useWords } from '../words/index.tsx'
import { Impersonated } from './Impersonated.tsx'
import { Navigation } from './Navigation.tsx'

/** The frame around every page of somebody who is all the way in; others are led to where they get in. */
export function Inside() {
  const me = useQuery(whoAmI)
  const client = useQueryClient()
  const here = useRouterState({ select: ({ location }) => location.pathname })
  useEffect(() => onSignedOutElsewhere(() => showSignedOut(client)), [client])
  return (
    <Loaded query={me}>
      {(person) =>
        person === null ? (
          <Navigate to="/sign-in" search={here === '/' ? {} : { next: here }} replace />
        ) : person.secondFactorDue && !person.impersonator ? (
          <Navigate to="/second-factor" replace />
        ) : (
          <Frame me={person} />
        )
      }
    </Loaded>
  )
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
  const words = useWords()
  return useTenant()?.state === 'suspended' ? <p className="notice">{words.suspended}</p> : null
}

const useTenant = () => useQuery({ ...reading('GET /api/v1/tenant'), enabled: !isOperators }).data

function Foot({ me }: { me: Me }) {
  const words = useWords()
  const client = useQueryClient()
  const leave = async () => {
    if (impersonationToken() === null) await call('POST /api/v1/auth/sign-out').catch(() => undefined)
    showSignedOut(client)
  }
  return (
    <footer>
      <p className="who">
        {me.name}
        <span>{me.email}</span>
      </p>
      <button type="button" className="plain" onClick={() => void leave()}>
        {words.signOut}
      </button>
      <OtherLanguage />
    </footer>
  )
}
