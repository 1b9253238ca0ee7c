import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Link, useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { call, Refused } from '../api/call.ts'
import { showSignedOut, whoAmI } from '../api/queries.ts'
import { Field, Form, type Values } from '../parts/Form.tsx'
import { Loaded } from '../parts/Loaded.tsx'
import { Door } from '../parts/Page.tsx'
import { Said } from '../parts/problem.ts'
import { OtherLanguage, useWords } from '../words/index.tsx'

/** Choosing the first password, by a link whose fragment is the invitation. */
export function InvitationPage() {
  const { invitation: words } = useWords()
  const client = useQueryClient()
  const navigate = useNavigate()
  const [token] = useState(() => location.hash.slice(1))
  const invited = useQuery({
    queryKey: ['invitation', token],
    retry: false,
    staleTime: Number.POSITIVE_INFINITY,
    queryFn: () =>
      call('POST /api/v1/auth/invitation', { body: { token } }).catch((error: Error) => {
        if (error instanceof Refused && (error.status === 403 || error.status === 400)) return null
        throw error
      }),
  })
  const accept = async (email: string, { password = '', repeat }: Values) => {
    if (password !== repeat) throw new Said(words.different)
    await call('POST /api/v1/auth/invitation/accept', { body: { token, password } })
    // Whoever was signed in here before is not the person who was invited.
    showSignedOut(client)
    await call('POST /api/v1/auth/sign-in', { body: { email, password } })
    await client.fetchQuery({ ...whoAmI, staleTime: 0 })
    await navigate({ to: '/', replace: true })
  }
  return (
    <Loaded query={invited}>
      {(person) =>
        person === null ? (
          <Door title={words.gone} lead={words.goneLead}>
            <Link to="/sign-in" className="button">
              {words.toSignIn}
            </Link>
          </Door>
        ) : (
          <Door title={words.title(person.name)} lead={words.lead(person.email)}>
            <Form submit={words.submit} send={(values) => accept(person.email, values)}>
              <input type="hidden" name="username" value={person.email} autoComplete="username" />
              <Field
                label={words.password}
                hint={words.passwordHint(person.passwordLength)}
                name="password"
                type="password"
                autoComplete="new-password"
              />
              <Field label={words.repeat} name="repeat" type="password" autoComplete="new-password" />
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
