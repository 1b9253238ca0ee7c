import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { call } from '../api/call.ts'
import { reading } from '../api/queries.ts'
import type { Invitation, Person } from '../api/routes.ts'
import { Dialog } from '../parts/Dialog.tsx'
import { Form } from '../parts/Form.tsx'
import { useWords } from '../words/index.tsx'
import { Handed } from './Invite.tsx'

/** For somebody who cannot get in any more: everything is taken away and a new invitation made, after asking. */
export function ResetAccess({ person, close }: { person: Person; close(): void }) {
  const { users: words } = useWords()
  const client = useQueryClient()
  const [made, setMade] = useState<Invitation | null>(null)
  const reset = async () => {
    setMade(await call('POST /api/v1/people/:id/reset', { path: { id: person.id } }))
    await client.invalidateQueries(reading('GET /api/v1/people'))
  }
  if (made)
    return (
      <Dialog title={words.linkTitle(person.name)} close={close}>
        <Handed invitation={made} />
      </Dialog>
    )
  return (
    <Dialog title={`${words.reset}: ${person.name}`} close={close}>
      <p>{words.resetLead}</p>
      <Form submit={words.reset} danger send={reset}>
        {null}
      </Form>
    </Dialog>
  )
}
