import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { call } from '../api/call.ts'
import { Field, Form, type Values } from '../parts/Form.tsx'
import { Loaded } from '../parts/Loaded.tsx'
import { Door } from '../parts/Page.tsx'
import { refusedAs } from '../parts/problem.ts'
import { OtherLanguage, useWords } from '../words/index.tsx'
import { NewPassword, useFirstPassword } from './NewPassword.tsx'

/** Becoming the first operator, by the link that the start of the deployment printed. */
export function SetUpPage() {
  const { setUp: words, invitation } = useWords()
  const come = useFirstPassword()
  const [token] = useState(() => location.hash.slice(1))
  const link = useQuery({
    queryKey: ['set-up', token],
    retry: false,
    staleTime: Number.POSITIVE_INFINITY,
    queryFn: () =>
      call('POST /api/v1/set-up/link', { body: { token } }).catch(refusedAs(null, 400, 403, 409)),
  })
  const send = (values: Values) => {
    const { name = '', email = '' } = values
    return come(email, values, (password) =>
      call('POST /api/v1/set-up', { body: { token, name, email, password } }),
    )
  }
  return (
    <Loaded query={link}>
      {(known) =>
        known === null ? (
          <Door title={words.gone} lead={words.goneLead}>
            <code>{words.command}</code>
            <Link to="/sign-in" className="button">
              {invitation.toSignIn}
            </Link>
            <footer>
              <OtherLanguage />
            </footer>
          </Door>
        ) : (
          <Door title={words.title} lead={words.lead}>
            <Form submit={words.submit} send={send}>
              <Field label={words.name} name="name" autoComplete="name" maxLength={200} />
              <Field label={words.email} name="email" type="email" autoComplete="username" />
              <NewPassword length={known.passwordLength} />
            </Form>
            <footer>
              <OtherLanguage />
            </footer>
          </Door>
        )
      }
    </Loaded>
  )
}
