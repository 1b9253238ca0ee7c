import { useQuery } from '@tanstack/react-query'
import { call } from '../api/call.ts'
import { whoAmI } from '../api/queries.ts'
import { leave } from '../api/session.ts'
import { Field, Form, type Values } from '../parts/Form.tsx'
import { Page } from '../parts/Page.tsx'
import { Username } from '../parts/Username.tsx'
import { useWords } from '../words/index.tsx'
import { AuthenticatorApp } from './AuthenticatorApp.tsx'
import { PasskeysOf } from './PasskeysOf.tsx'

/** What a person does about their own sign-in. */
export function SecurityPage() {
  const words = useWords()
  const { data: me } = useQuery(whoAmI)
  if (!me) return null
  return (
    <Page title={words.security.title}>
      <section className="card">
        <h2>{words.security.profile}</h2>
        <dl>
          <dt>{words.security.name}</dt>
          <dd>{me.name}</dd>
          <dt>{words.security.email}</dt>
          <dd>{me.email}</dd>
          <dt>{words.security.role}</dt>
          <dd>{words.roles.names[me.role] ?? me.role}</dd>
        </dl>
      </section>
      {!me.impersonator && (
        <>
          <AuthenticatorApp />
          <PasskeysOf />
          <Password email={me.email} />
        </>
      )}
    </Page>
  )
}

function Password({ email }: { email: string }) {
  const { security: words } = useWords()
  const change = async ({ current = '', next = '' }: Values) => {
    await call('POST /api/v1/auth/password', { body: { current, next } })
    leave()
  }
  return (
    <section className="card">
      <h2>{words.password}</h2>
      <p>{words.passwordLead}</p>
      <Form submit={words.change} send={change}>
        <Username email={email} />
        <Field label={words.current} name="current" type="password" autoComplete="current-password" />
        <Field label={words.next} name="next" type="password" autoComplete="new-password" />
      </Form>
    </section>
  )
}
