import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { call } from '../api/call.ts'
import { hasPasskeys } from '../api/passkeys.ts'
import { reading, whoAmI } from '../api/queries.ts'
import type { SecondFactors } from '../api/routes.ts'
import { leave } from '../api/session.ts'
import { useNext } from '../next.ts'
import { Go } from '../parts/Go.tsx'
import { Loaded } from '../parts/Loaded.tsx'
import { Door } from '../parts/Page.tsx'
import { useWords } from '../words/index.tsx'
import { AddPasskey } from './AddPasskey.tsx'
import { Enrolment } from './Enrolment.tsx'
import { ShowFactor } from './ShowFactor.tsx'

/** After the password: showing the second factor, or setting one up where the role asks for it. */
export function SecondFactorPage() {
  const client = useQueryClient()
  const navigate = useNavigate()
  const next = useNext()
  const me = useQuery(whoAmI)
  // What was due when the page came: recovery codes are still shown when it no longer is.
  const factors = useQuery({
    ...reading('GET /api/v1/auth/second-factors'),
    enabled: !!me.data,
    staleTime: Number.POSITIVE_INFINITY,
  })
  const goOn = async () => {
    await client.fetchQuery({ ...whoAmI, staleTime: 0 })
    await navigate({ to: next, replace: true })
    await client.invalidateQueries(reading('GET /api/v1/auth/second-factors'))
  }
  if (me.data === null) return <Go to="/sign-in" />
  if (me.data?.secondFactorDue === false) return <Go to={next} />
  return (
    <Loaded query={factors}>
      {(has) => (has.totp || has.passkeys > 0 ? <Show factors={has} goOn={goOn} /> : <SetUp goOn={goOn} />)}
    </Loaded>
  )
}

function Show({ factors, goOn }: { factors: SecondFactors; goOn(): Promise<void> }) {
  const { secondFactor: words } = useWords()
  return (
    <Door title={words.title} lead={factors.totp ? words.lead : words.passkeyLead}>
      <ShowFactor factors={factors} done={goOn} />
      <Leave />
    </Door>
  )
}

function SetUp({ goOn }: { goOn(): Promise<void> }) {
  const { secondFactor: words } = useWords()
  const [byPasskey, setByPasskey] = useState(false)
  return (
    <Door title={words.enrolTitle} lead={words.enrolDue}>
      {byPasskey ? <AddPasskey done={goOn} /> : <Enrolment done={goOn} />}
      <footer>
        {hasPasskeys && (
          <button type="button" className="plain" onClick={() => setByPasskey(!byPasskey)}>
            {byPasskey ? words.byApp : words.byPasskey}
          </button>
        )}
      </footer>
      <Leave />
    </Door>
  )
}

function Leave() {
  const { signOut } = useWords()
  const end = () => call('POST /api/v1/auth/sign-out').finally(leave)
  return (
    <footer>
      <button type="button" className="plain" onClick={() => void end()}>
        {signOut}
      </button>
    </footer>
  )
}
