import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { call } from '../api/call.ts'
import { reading, whoAmI } from '../api/queries.ts'
import type { TenantLine } from '../api/routes.ts'
import { Dialog } from '../parts/Dialog.tsx'
import { Field, Form, type Values } from '../parts/Form.tsx'
import { Loaded } from '../parts/Loaded.tsx'
import { Page } from '../parts/Page.tsx'
import { Table } from '../parts/Table.tsx'
import { may } from '../permissions.ts'
import { useWords } from '../words/index.tsx'

/** Every tenant of the deployment. */
export function TenantsPage() {
  const { tenants: words, actions } = useWords()
  const { data: me } = useQuery(whoAmI)
  const list = useQuery(reading('GET /api/v1/tenants'))
  const [acting, setActing] = useState<TenantLine | null>(null)
  return (
    <Page title={words.title}>
      <Loaded query={list}>
        {(tenants) =>
          tenants.length === 0 ? (
            <p className="empty">{words.none}</p>
          ) : (
            <Table
              label={words.title}
              rows={tenants.map((tenant) => ({ ...tenant, id: tenant.slug }))}
              columns={[
                { name: words.name, cell: ({ name }) => name },
                {
                  name: words.host,
                  cell: ({ hosts }) =>
                    hosts.map((host) => (
                      <a key={host} href={originOf(host)}>
                        {host}
                      </a>
                    )),
                },
                { name: words.model, cell: ({ model }) => words.models[model] },
                {
                  name: words.state,
                  cell: ({ state }) => (
                    <span className="state" data-good={state === 'active'}>
                      {words.states[state]}
                    </span>
                  ),
                },
                {
                  name: actions,
                  quiet: true,
                  cell: (tenant) =>
                    me &&
                    may(me, 'impersonation.start') && (
                      <button
                        type="button"
                        aria-label={`${words.act}: ${tenant.name}`}
                        onClick={() => setActing(tenant)}
                      >
                        {words.act}
                      </button>
                    ),
                },
              ]}
            />
          )
        }
      </Loaded>
      {acting && <Act tenant={acting} close={() => setActing(null)} />}
    </Page>
  )
}

const originOf = (host: string | undefined) => `https://${host}${location.port && `:${location.port}`}`

/** Beginning to act in a member's name. The token goes to the tenant's page in the fragment, which no server sees. */
function Act({ tenant, close }: { tenant: TenantLine; close(): void }) {
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
