import { useQueryClient } from '@tanstack/react-query'
import { call } from '../api/call.ts'
import { reading } from '../api/queries.ts'
import type { TenantLine } from '../api/routes.ts'
import { Dialog } from '../parts/Dialog.tsx'
import { Form } from '../parts/Form.tsx'
import { useTell } from '../parts/Told.tsx'
import { useWords } from '../words/index.tsx'

/** How often, and how many times, it is looked whether a worker has done it. */
const LOOK_EVERY = 700
const LOOKS = 10

/** Suspends a tenant or reactivates it, after asking. */
export function ChangeState({ tenant, close }: { tenant: TenantLine; close(): void }) {
  const { tenants: words } = useWords()
  const client = useQueryClient()
  const tell = useTell()
  const suspending = tenant.state === 'active'
  const wanted = suspending ? 'suspended' : 'active'
  const isDone = async () => {
    const list = await client.fetchQuery({ ...reading('GET /api/v1/tenants'), staleTime: 0 })
    return list.find(({ slug }) => slug === tenant.slug)?.state === wanted
  }
  const change = async () => {
    const { slug } = tenant
    await call('PUT /api/v1/tenants/:slug/state', { path: { slug }, body: { state: wanted } })
    let done = await isDone()
    for (let look = 0; !done && look < LOOKS; look++) {
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY))
      done = await isDone()
    }
    close()
    tell(done ? words.done : words.soon)
  }
  const submit = suspending ? words.suspend : words.reactivate
  return (
    <Dialog title={`${submit}: ${tenant.name}`} close={close}>
      <p>{suspending ? words.suspendLead : words.reactivateLead}</p>
      <Form submit={submit} danger={suspending} send={change}>
        {null}
      </Form>
    </Dialog>
  )
}
