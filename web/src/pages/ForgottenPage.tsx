import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { call } from '../api/call.ts'
import { Field, Form } from '../parts/Form.tsx'
import { Door } from '../parts/Page.tsx'
import { OtherLanguage, useWords } from '../words/index.tsx'

/** Asking for a link by which to choose another password. Says the same whoever is asked for. */
export function ForgottenPage() {
  const { forgotten: words } = useWords()
  const [sentTo, setSentTo] = useState('')
  const send = async ({ email = '' }: Record<string, string>) => {
    await call('POST /api/v1/auth/forgotten-password', { body: { email } })
    setSentTo(email)
  }
  return (
    <Door
      title={sentTo ? words.sentTitle : words.title}
      lead={sentTo ? words.sentLead(sentTo) : words.lead}
      key={sentTo}
    >
      {!sentTo && (
        <Form submit={words.submit} send={send}>
          <Field label={words.email} name="email" type="email" autoComplete="username" />
        </Form>
      )}
      <Link to="/sign-in">{words.back}</Link>
      <footer>
        <OtherLanguage />
      </footer>
    </Door>
  )
}
