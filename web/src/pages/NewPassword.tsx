import { useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { call } from '../api/call.ts'
import { showSignedOut, whoAmI } from '../api/queries.ts'
import { Field, type Values } from '../parts/Form.tsx'
import { Said } from '../parts/problem.ts'
import { useWords } from '../words/index.tsx'

/** The fields of a password that somebody chooses, typed twice. `length`: characters that it needs. */
export function NewPassword({ length }: { length: number }) {
  const { invitation: words } = useWords()
  return (
    <>
      <Field
        label={words.password}
        hint={words.passwordHint(length)}
        name="password"
        type="password"
        autoComplete="new-password"
      />
      <Field label={words.repeat} name="repeat" type="password" autoComplete="new-password" />
    </>
  )
}

/** Has `take` store the password that was typed, then comes in by it as the person `email`. */
export function useFirstPassword(): (
  email: string,
  typed: Values,
  take: (password: string) => Promise<unknown>,
) => Promise<void> {
  const { invitation: words } = useWords()
  const client = useQueryClient()
  const navigate = useNavigate()
  return async (email, { password = '', repeat }, take) => {
    if (password !== repeat) throw new Said(words.different)
    await take(password)
    // Whoever was signed in here before is somebody else.
    showSignedOut(client)
    await call('POST /api/v1/auth/sign-in', { body: { email, password } })
    await client.fetchQuery({ ...whoAmI, staleTime: 0 })
    await navigate({ to: '/', replace: true })
  }
}
