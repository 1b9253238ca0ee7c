import { call } from '../api/call.ts'
import { hasPasskeys, showPasskey } from '../api/passkeys.ts'
import type { SecondFactors } from '../api/routes.ts'
import { Field, Form, type Values } from '../parts/Form.tsx'
import { Try } from '../parts/Try.tsx'
import { useWords } from '../words/index.tsx'

/** Showing one of the second factors that a person has, or a recovery code. */
export function ShowFactor({ factors, done }: { factors: SecondFactors; done(): Promise<void> }) {
  const { secondFactor: words } = useWords()
  const byCode = async ({ code = '' }: Values) => {
    await call('POST /api/v1/auth/second-factor', { body: { code } })
    await done()
  }
  return (
    <>
      {hasPasskeys && factors.passkeys > 0 && (
        <Try label={words.usePasskey} primary work={() => showPasskey().then(done)} />
      )}
      <Form submit={words.submit} send={byCode}>
        <Field
          label={factors.totp ? words.code : words.recoveryCode}
          {...(factors.totp ? { hint: words.codeHint } : {})}
          name="code"
          autoComplete="one-time-code"
          autoCapitalize="characters"
          spellCheck={false}
          minLength={6}
        />
      </Form>
    </>
  )
}
