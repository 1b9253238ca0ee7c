import { useState } from 'react'
import { call } from '../api/call.ts'
import type { TenantLine } from '../api/routes.ts'
import { originOf } from '../origin.ts'
import { Dialog } from '../parts/Dialog.tsx'
import { Field, Form, type Values } from '../parts/Form.tsx'
import { useWords } from '../words/index.tsx'

/** Beginning to act in a member's name. The token goes to the tenant's page in the fragment, which no server sees. */
export function Act({ tenant, close }: { tenant: TenantLine; close(): void }) {
  const { impersonation: words } = useWords()
  const [token, setToken] = useState<string | null>(null)
  const begin = async ({ email = '', reason = '' }: Values) => {
    const body = { tenant: tenant.slug, email, reason }
    setToken((await call('POST /api/v1/impersonations', { body })).token)
  }
  if (token)
    return (
      <Dialog title={words.ready} close={close}>
        <a
          className="button"
          href={`${originOf(tenant.hosts[0])}/office/impersonation#${token}`}
          target="_blank"
          rel="noreferrer"
        >
          {words.open(tenant.name)}
        </a>
      </Dialog>
    )
  return (
    <Dialog title={words.title} close={close}>
      <p>{words.lead}</p>
      <Form submit={words.submit} send={begin}>
        <Field label={words.email} name="email" type="email" autoComplete="off" />
        <Field label={words.reason} hint={words.reasonHint} name="reason" minLength={10} autoComplete="off" />
      </Form>
    </Dialog>
  )
}
