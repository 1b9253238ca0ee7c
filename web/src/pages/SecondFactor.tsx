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
export function SecondFactor() {
  const { security: words, secondFactor } = useWords()
  const client = useQueryClient()
  const tell = useTell()
  const { data: session } = useQuery(reading('GET /api/v1/auth/second-factors'))
  const [begun, setBegun] = useState<{ secret: string; uri: string } | null>(null)
  const [removing, setRemoving] = useState(false)
  const on = session?.totp === true
  const looked = () => client.invalidateQueries()
  const remove = async ({ password = '', code = '' }: Values) => {
    await call('DELETE /api/v1/auth/totp', { body: { password, code } })
    setRemoving(false)
    tell(words.removed)
    await looked()
  }
  return (
    <section className="card">
      <h2>
        {words.secondFactor}{' '}
        {session && (
          <span className="state" data-good={on}>
            {on ? words.on : words.off}
          </span>
        )}
      </h2>
      <p>{on ? words.onLead : words.offLead}</p>
      {session &&
        (on ? (
          <button type="button" onClick={() => setRemoving(true)}>
            {words.remove}
          </button>
        ) : (
          <button
            type="button"
            className="primary"
            onClick={() => void call('POST /api/v1/auth/totp').then(setBegun)}
          >
            {words.setUp}
          </button>
        ))}
      {begun && (
        <Dialog title={secondFactor.enrolTitle} close={() => setBegun(null)}>
          <Enrolment
            begun={begun}
            done={async () => {
              setBegun(null)
              await looked()
            }}
          />
        </Dialog>
      )}
      {removing && (
        <Dialog title={words.removeTitle} close={() => setRemoving(false)}>
          <p>{words.removeLead}</p>
          <Form submit={words.remove} danger send={remove}>
            <Field label={words.current} name="password" type="password" autoComplete="current-password" />
            <Field label={secondFactor.code} name="code" autoComplete="one-time-code" />
          </Form>
        </Dialog>
      )}
    </section>
  )
}
