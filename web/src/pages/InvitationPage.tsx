import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { call } from '../api/call.ts'
import { Form } from '../parts/Form.tsx'
import { Loaded } from '../parts/Loaded.tsx'
import { Door } from '../parts/Page.tsx'
import { refusedAs } from '../parts/problem.ts'
import { Username } from '../parts/Username.tsx'
import { OtherLanguage, useWords } from '../words/index.tsx'
import { NewPassword, useFirstPassword } from './NewPassword.tsx'

/** Choosing the first password, by a link whose fragment is the invitation. */
export function InvitationPage() {
  const { invitation: words } = useWords()
  const come = useFirstPassword()
  const [token] = useState(() => location.hash.slice(1))
  const invited = useQuery({
    queryKey: ['invitation', token],
    retry: false,
    staleTime: Number.POSITIVE_INFINITY,
    queryFn: () => call('POST /api/v1/auth/invitation', { body: { token } }).catch(refusedAs(null, 400, 403)),
  })
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
            <Form
              submit={words.submit}
              send={(values) =>
                come(person.email, values, (password) =>
                  call('POST /api/v1/auth/invitation/accept', { body: { token, password } }),
                )
              }
            >
              <Username email={person.email} />
              <NewPassword length={person.passwordLength} />
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
