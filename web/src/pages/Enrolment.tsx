import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { encode } from 'uqr'
import { call } from '../api/call.ts'
import { Field, Form, type Values } from '../parts/Form.tsx'
import { Loaded } from '../parts/Loaded.tsx'
import { Secret } from '../parts/Secret.tsx'
import { useWords } from '../words/index.tsx'
import { RecoveryCodes } from './RecoveryCodes.tsx'

/** Putting the secret into an authenticator app, showing its first code, and keeping the recovery codes. */
export function Enrolment({ done }: { done(): Promise<void> }) {
  const { secondFactor: words } = useWords()
  const [codes, setCodes] = useState<string[] | null>(null)
  const begun = useQuery({
    queryKey: ['enrolment'],
    retry: false,
    gcTime: 0,
    staleTime: Number.POSITIVE_INFINITY,
    queryFn: () => call('POST /api/v1/auth/totp'),
  })
  const confirm = async ({ code = '' }: Values) => {
    const { recoveryCodes } = await call('POST /api/v1/auth/totp/confirm', { body: { code } })
    // There are none with a second factor that is not the first.
    if (recoveryCodes) setCodes(recoveryCodes)
    else await done()
  }
  if (codes) return <RecoveryCodes codes={codes} done={done} />
  return (
    <Loaded query={begun}>
      {({ secret, uri }) => (
        <>
          <p>{words.enrolLead}</p>
          <QrCode text={uri} label={words.scan} />
          <details>
            <summary>{words.byHand}</summary>
            <Secret text={secret.replace(/(.{4})(?=.)/g, '$1 ')} label={words.copyKey} />
          </details>
          <Form submit={words.enrolSubmit} send={confirm}>
            <Field
              label={words.enrolCode}
              name="code"
              autoComplete="one-time-code"
              inputMode="numeric"
              pattern="[0-9]{6}"
            />
          </Form>
        </>
      )}
    </Loaded>
  )
}

function QrCode({ text, label }: { text: string; label: string }) {
  const { data, size } = encode(text, { border: 2 })
  const path = data.flatMap((row, y) => row.map((dark, x) => (dark ? `M${x} ${y}h1v1h-1z` : ''))).join('')
  return (
    <svg
      className="qr"
      role="img"
      aria-label={label}
      viewBox={`0 0 ${size} ${size}`}
      shapeRendering="crispEdges"
    >
      <rect width={size} height={size} fill="#fff" />
      <path d={path} fill="#000" />
    </svg>
  )
}
