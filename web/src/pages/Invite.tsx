import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { call } from '../api/call.ts'
import { reading } from '../api/queries.ts'
import type { Invitation, Person } from '../api/routes.ts'
import { Dialog } from '../parts/Dialog.tsx'
import { Field, Form, type Values } from '../parts/Form.tsx'
import { Loaded } from '../parts/Loaded.tsx'
import { Secret } from '../parts/Secret.tsx'
import { useMoment, useWords } from '../words/index.tsx'
import { RoleField } from './RoleField.tsx'

/** Adding a person and showing the link of the invitation. */
export function Invite({ close }: { close(): void }) {
  const { users: words } = useWords()
  const client = useQueryClient()
  const roles = useQuery(reading('GET /api/v1/roles'))
  const [made, setMade] = useState<{ name: string; invitation: Invitation } | null>(null)
  const invite = async ({ name = '', email = '', role = '' }: Values) => {
    const { id } = await call('POST /api/v1/people', { body: { name, email, role } })
    await client.invalidateQueries(reading('GET /api/v1/people'))
    setMade({ name, invitation: await call('POST /api/v1/people/:id/invitation', { path: { id } }) })
  }
  if (made)
    return (
      <Dialog title={words.linkTitle(made.name)} close={close}>
        <Handed invitation={made.invitation} />
      </Dialog>
    )
  return (
    <Dialog title={words.inviteTitle} close={close}>
      <Loaded query={roles}>
        {(all) => (
          <Form submit={words.submit} send={invite}>
            <Field label={words.name} name="name" autoComplete="off" maxLength={200} />
            <Field label={words.email} name="email" type="email" autoComplete="off" />
            <RoleField label={words.role} roles={all} />
          </Form>
        )}
      </Loaded>
    </Dialog>
  )
}

/** A new link for somebody who never came. */
export function InviteAgain({ person, close }: { person: Person; close(): void }) {
  const { users: words } = useWords()
  const made = useQuery({
    queryKey: ['invitation of', person.id],
    gcTime: 0,
    retry: false,
    queryFn: () => call('POST /api/v1/people/:id/invitation', { path: { id: person.id } }),
  })
  return (
    <Dialog title={words.linkTitle(person.name)} close={close}>
      <Loaded query={made}>{(invitation) => <Handed invitation={invitation} />}</Loaded>
    </Dialog>
  )
}

/** The link, to be handed over. */
export function Handed({ invitation }: { invitation: Invitation }) {
  const { users: words } = useWords()
  const moment = useMoment()
  return (
    <>
      <p>{invitation.mailed ? words.mailed : words.notMailed}</p>
      <Secret text={invitation.link} />
      <p className="hint">{words.linkUntil(moment(invitation.expiresAt))}</p>
    </>
  )
}
