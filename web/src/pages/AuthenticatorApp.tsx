import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { call } from '../api/call.ts'
import { reading } from '../api/queries.ts'
import { Dialog } from '../parts/Dialog.tsx'
import { Field, Form, type Values } from '../parts/Form.tsx'
import { useTell } from '../parts/Told.tsx'
import { useWords } from '../words/index.tsx'
import { Enrolment } from './Enrolment.tsx'

/** The authenticator app: whether there is one, setting it up and removing it. */
export function AuthenticatorApp() {
  const { app: words, secondFactor } = useWords()
  const client = useQueryClient()
  const { data: factors } = useQuery(reading('GET /api/v1/auth/second-factors'))
  const [open, setOpen] = useState<'set-up' | 'remove' | null>(null)
  const close = () => setOpen(null)
  const done = async () => {
    close()
    await client.invalidateQueries()
  }
  if (!factors) return null
  return (
    <section className="card">
      <h2>
        {words.title}{' '}
        <span className="state" data-good={factors.totp}>
          {factors.totp ? words.on : words.off}
        </span>
      </h2>
      <p>{factors.totp ? words.onLead : words.offLead}</p>
      {factors.recoveryCodes > 0 && <p className="meta">{words.codesLeft(factors.recoveryCodes)}</p>}
      <button type="button" onClick={() => setOpen(factors.totp ? 'remove' : 'set-up')}>
        {factors.totp ? words.remove : words.setUp}
      </button>
      {open === 'set-up' && (
        <Dialog title={secondFactor.enrolTitle} close={close}>
          <Enrolment done={done} />
        </Dialog>
      )}
      {open === 'remove' && <Remove close={close} done={done} />}
    </section>
  )
}

function Remove({ close, done }: { close(): void; done(): Promise<void> }) {
  const { app: words, security, secondFactor } = useWords()
  const tell = useTell()
  const remove = async ({ password = '', code = '' }: Values) => {
    await call('DELETE /api/v1/auth/totp', { body: { password, code } })
    tell(words.removed)
    await done()
  }
  return (
    <Dialog title={words.removeTitle} close={close}>
      <p>{words.removeLead}</p>
      <Form submit={words.remove} danger send={remove}>
        <Field label={security.current} name="password" type="password" autoComplete="current-password" />
        <Field label={secondFactor.code} name="code" autoComplete="one-time-code" />
      </Form>
    </Dialog>
  )
}
