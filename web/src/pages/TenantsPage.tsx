import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { reading, whoAmI } from '../api/queries.ts'
import type { Me, TenantLine } from '../api/routes.ts'
import { originOf } from '../origin.ts'
import { Loaded } from '../parts/Loaded.tsx'
import { Page } from '../parts/Page.tsx'
import { Table } from '../parts/Table.tsx'
import { may } from '../permissions.ts'
import { useWords } from '../words/index.tsx'
import { Act } from './Act.tsx'
import { ChangeState } from './ChangeState.tsx'

/** Every tenant of the deployment. */
export function TenantsPage() {
  const { tenants: words, actions } = useWords()
  const { data: me } = useQuery(whoAmI)
  const list = useQuery(reading('GET /api/v1/tenants'))
  const [asked, ask] = useState<{ what: Question; tenant: TenantLine } | null>(null)
  const close = () => ask(null)
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
                    me && <Actions tenant={tenant} me={me} ask={(what) => ask({ what, tenant })} />,
                },
              ]}
            />
          )
        }
      </Loaded>
      {asked?.what === 'act' && <Act tenant={asked.tenant} close={close} />}
      {asked?.what === 'state' && <ChangeState tenant={asked.tenant} close={close} />}
    </Page>
  )
}

type Question = 'act' | 'state'

function Actions({ tenant, me, ask }: { tenant: TenantLine; me: Me; ask(what: Question): void }) {
  const { tenants: words } = useWords()
  const state = tenant.state === 'active' ? words.suspend : words.reactivate
  const offered = [
    { what: 'act' as const, label: words.act, needs: 'impersonation.start' },
    { what: 'state' as const, label: state, needs: 'tenants.manage' },
  ]
  return (
    <span className="actions">
      {offered
        .filter(({ needs }) => may(me, needs))
        .map(({ what, label }) => (
          <button key={what} type="button" aria-label={`${label}: ${tenant.name}`} onClick={() => ask(what)}>
            {label}
          </button>
        ))}
    </span>
  )
}
