import { useQueryClient } from '@tanstack/react-query'
import { call } from '../api/call.ts'
import { reading } from '../api/queries.ts'
import type { Person } from '../api/routes.ts'
import { Dialog } from '../parts/Dialog.tsx'
import { Form } from '../parts/Form.tsx'
import { useWords } from '../words/index.tsx'

/** Takes a person's access away, after asking. */
export function RemoveAccess({ person, close }: { person: Person; close(): void }) {
  const { users: words } = useWords()
  const client = useQueryClient()
  const remove = async () => {
    await call('PATCH /api/v1/people/:id', { path: { id: person.id }, body: { state: 'disabled' } })
    await client.invalidateQueries(reading('GET /api/v1/people'))
    close()
  }
  return (
    <Dialog title={words.removeOf(person.name)} close={close}>
      <p>{words.removeLead}</p>
      <Form submit={words.remove} danger send={remove}>
        {null}
      </Form>
    </Dialog>
  )
}
