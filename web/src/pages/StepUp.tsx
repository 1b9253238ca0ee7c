import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { call } from '../api/call.ts'
import { reading, whoAmI } from '../api/queries.ts'
import { askBy } from '../api/stepUp.ts'
import { Dialog } from '../parts/Dialog.tsx'
import { Field, Form } from '../parts/Form.tsx'
import { Loaded } from '../parts/Loaded.tsx'
import { Username } from '../parts/Username.tsx'
import { useWords } from '../words/index.tsx'
import { Providers } from './Providers.tsx'
import { ShowFactor } from './ShowFactor.tsx'

/** Stands ready to ask once more who it is, before something that lasts is done. */
export function StepUp() {
  const { stepUp: words } = useWords()
  const client = useQueryClient()
  const [waiting, setWaiting] = useState<((shown: boolean) => void) | null>(null)
  useEffect(() => askBy(() => new Promise((resolve) => setWaiting(() => resolve))), [])
  if (!waiting) return null
  const end = async (shown: boolean) => {
    // The session is a new one.
    if (shown) await client.fetchQuery({ ...whoAmI, staleTime: 0 })
    setWaiting(null)
    waiting(shown)
  }
  return (
    <Dialog title={words.title} close={() => void end(false)}>
      <p>{words.lead}</p>
      <Question done={() => end(true)} />
    </Dialog>
  )
}

function Question({ done }: { done(): Promise<void> }) {
  const { stepUp: words } = useWords()
  const factors = useQuery(reading('GET /api/v1/auth/second-factors'))
  const { data: me } = useQuery(whoAmI)
  const again = async (password: string) => {
    await call('POST /api/v1/auth/sign-in', { body: { email: me?.email ?? '', password } })
    if (me?.session) await call('DELETE /api/v1/auth/sessions/:id', { path: { id: me.session } })
    await done()
  }
  return (
    <Loaded query={factors}>
      {(shown) =>
        shown.totp || shown.passkeys > 0 ? (
          <ShowFactor factors={shown} done={done} />
        ) : !shown.password ? (
          <AtProvider />
        ) : (
          <Form submit={words.submit} send={({ password = '' }) => again(password)}>
            <Username email={me?.email ?? ''} />
            <Field label={words.password} name="password" type="password" autoComplete="current-password" />
          </Form>
        )
      }
    </Loaded>
  )
}

/** For who has neither password nor second factor: to the provider, and back to this page. */
function AtProvider() {
  const { stepUp: words } = useWords()
  const here = location.pathname.replace(/^\/office/, '') || '/'
  return (
    <>
      <p>{words.atProvider}</p>
      <Providers search={{ again: '1', next: here }} />
    </>
  )
}
