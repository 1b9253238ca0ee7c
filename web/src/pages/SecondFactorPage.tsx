import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Navigate, useNavigate } from '@tanstack/react-router'
import { call } from '../api/call.ts'
import { showSignedOut, whoAmI } from '../api/queries.ts'
import { Field, Form, type Values } from '../parts/Form.tsx'
import { Loaded } from '../parts/Loaded.tsx'
import { Door } from '../parts/Page.tsx'
import { useWords } from '../words/index.tsx'
import { Enrolment } from './Enrolment.tsx'

/** After the password: showing the second factor, or setting one up where the role asks for it. */
export function SecondFactorPage() {
  const me = useQuery(whoAmI)
  const client = useQueryClient()
  const navigate = useNavigate()
  const enrolling = useEnrolment(me.data?.secondFactorDue === true)
  const goOn = async () => {
    await client.fetchQuery({ ...whoAmI, staleTime: 0 })
    await navigate({ to: '/', replace: true })
    client.removeQueries({ queryKey: ['enrolment'] })
  }
  if (me.data === null) return <Navigate to="/sign-in" replace />
  if (me.data && !me.data.secondFactorDue && enrolling.data === undefined) return <Navigate to="/" replace />
  return (
    <Loaded query={enrolling}>
      {(begun) => (begun ? <Due begun={begun} goOn={goOn} /> : <Show goOn={goOn} />)}
    </Loaded>
  )
}

/** What to put into the app; null for who has a second factor already. */
function useEnrolment(due: boolean) {
  return useQuery({
    queryKey: ['enrolment'],
    enabled: due,
    retry: false,
    staleTime: Number.POSITIVE_INFINITY,
    queryFn: async () => {
      const { totp } = await call('GET /api/v1/auth/second-factors')
      return totp ? null : call('POST /api/v1/auth/totp')
    },
  })
}

function Due({ begun, goOn }: { begun: { secret: string; uri: string }; goOn(): Promise<void> }) {
  const { secondFactor: words } = useWords()
  return (
    <Door title={words.enrolTitle} lead={words.enrolDue}>
      <Enrolment begun={begun} done={goOn} />
      <Leave />
    </Door>
  )
}

function Show({ goOn }: { goOn(): Promise<void> }) {
  const { secondFactor: words } = useWords()
  const send = async ({ code = '' }: Values) => {
    await call('POST /api/v1/auth/second-factor', { body: { code } })
    await goOn()
  }
  return (
    <Door title={words.title} lead={words.lead}>
      <Form submit={words.submit} send={send}>
        <Field
          label={words.code}
          hint={words.codeHint}
          name="code"
          autoComplete="one-time-code"
          autoCapitalize="characters"
          spellCheck={false}
          minLength={6}
        />
      </Form>
      <Leave />
    </Door>
  )
}

function Leave() {
  const { signOut } = useWords()
  const client = useQueryClient()
  const leave = () => call('POST /api/v1/auth/sign-out').finally(() => showSignedOut(client))
  return (
    <footer>
      <button type="button" className="plain" onClick={() => void leave()}>
        {signOut}
      </button>
    </footer>
  )
}
