import { useQuery } from '@tanstack/react-query'
import { Link, useRouterState } from '@tanstack/react-router'
import { call, Refused } from '../api/call.ts'
import { hasPasskeys, signInByPasskey } from '../api/passkeys.ts'
import { queries, reading, whoAmI } from '../api/queries.ts'
import { isOperators } from '../audience.ts'
import { useNext } from '../next.ts'
import { Field, Form, type Values } from '../parts/Form.tsx'
import { Go } from '../parts/Go.tsx'
import { Door } from '../parts/Page.tsx'
import { Said } from '../parts/problem.ts'
import { Try } from '../parts/Try.tsx'
import { OtherLanguage, useWords } from '../words/index.tsx'
import { Providers } from './Providers.tsx'

/** Signing in by password or at a provider; `?sso=link-needed` after a provider named an account that has a password. */
export function SignInPage() {
  const { signIn: words } = useWords()
  const me = useQuery(whoAmI)
  const next = useNext()
  const { sso } = useRouterState({
    select: ({ location }) => location.search as Record<string, unknown>,
  })
  const linking = sso === 'link-needed'
  const send = async ({ email = '', password = '' }: Values) => {
    const route = linking ? 'POST /api/v1/auth/sso/link' : 'POST /api/v1/auth/sign-in'
    await call(route, { body: { email, password } }).catch((error: Error) => {
      throw error instanceof Refused && error.status === 401 ? new Said(words.refused) : error
    })
    await queries.fetchQuery({ ...whoAmI, staleTime: 0 })
  }
  if (me.data) return <Go to={next} />
  const title = linking ? words.linkTitle : isOperators ? words.operatorTitle : words.title
  return (
    <Door title={title} lead={linking ? words.linkLead : ''}>
      {sso === 'refused' && (
        <p role="alert" className="error">
          {words.ssoRefused}
        </p>
      )}
      {isOperators && <SetUpHint />}
      <Form submit={linking ? words.linkSubmit : words.submit} send={send}>
        <Field label={words.email} name="email" type="email" autoComplete="username" />
        <Field label={words.password} name="password" type="password" autoComplete="current-password" />
      </Form>
      {!linking && (
        <p>
          <Link to="/forgotten-password">{words.forgotten}</Link>
        </p>
      )}
      {!linking && <OtherWays />}
      <footer>
        <OtherLanguage />
      </footer>
    </Door>
  )
}

/** While there is no operator, nobody can sign in here: how the first one comes. */
function SetUpHint() {
  const { setUp: words } = useWords()
  const { data } = useQuery(reading('GET /api/v1/set-up'))
  if (!data?.open) return null
  return (
    <div className="notice" role="note">
      <p>
        <strong>{words.waiting}</strong> {words.waitingLead}
      </p>
      <code>{words.command}</code>
    </div>
  )
}

function OtherWays() {
  const { signIn: words } = useWords()
  const { data = [] } = useQuery({ ...reading('GET /api/v1/auth/sso'), enabled: !isOperators })
  const byPasskey = async () => {
    await signInByPasskey()
    await queries.fetchQuery({ ...whoAmI, staleTime: 0 })
  }
  if (data.length === 0 && !hasPasskeys) return null
  return (
    <>
      <p className="or">{words.or}</p>
      {hasPasskeys && <Try label={words.byPasskey} work={byPasskey} />}
      <Providers />
    </>
  )
}
