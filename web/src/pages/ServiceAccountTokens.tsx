import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { call } from '../api/call.ts'
import { reading } from '../api/queries.ts'
import type { ApiToken, ServiceAccount } from '../api/routes.ts'
import { Loaded } from '../parts/Loaded.tsx'
import { Section } from '../parts/Section.tsx'
import { Table } from '../parts/Table.tsx'
import { useMoment, useWords } from '../words/index.tsx'
import { RevokeToken } from './RevokeToken.tsx'

/** The tokens of all programs, apart from one's own; to be revoked by who manages them. */
export function ServiceAccountTokens({ manages }: { manages: boolean }) {
  const { serviceAccounts: words, tokens: about, actions, never } = useWords()
  const moment = useMoment()
  const list = useQuery(reading('GET /api/v1/service-accounts'))
  const [revoking, setRevoking] = useState<Row | null>(null)
  return (
    <Section title={words.tokensTitle} lead={words.tokensLead}>
      <Loaded query={list}>
        {(accounts) => {
          const rows = accounts.flatMap(rowsOf)
          if (rows.length === 0) return <p className="empty">{about.none}</p>
          return (
            <Table
              label={words.tokensTitle}
              rows={rows}
              columns={[
                { name: about.name, cell: ({ name }) => name },
                { name: words.account, cell: ({ account }) => account.name },
                { name: about.permissions, cell: ({ permissions }) => <code>{permissions.join(', ')}</code> },
                { name: about.expires, cell: ({ expiresAt }) => moment(expiresAt) },
                { name: about.used, cell: ({ lastUsedAt }) => (lastUsedAt ? moment(lastUsedAt) : never) },
                {
                  name: actions,
                  quiet: true,
                  cell: (row) =>
                    manages && (
                      <button
                        type="button"
                        aria-label={`${about.revoke}: ${row.name}, ${row.account.name}`}
                        onClick={() => setRevoking(row)}
                      >
                        {about.revoke}
                      </button>
                    ),
                },
              ]}
            />
          )
        }}
      </Loaded>
      {revoking && (
        <RevokeToken
          name={revoking.name}
          reads="GET /api/v1/service-accounts"
          revoke={() => revoke(revoking)}
          close={() => setRevoking(null)}
        />
      )}
    </Section>
  )
}

interface Row extends ApiToken {
  account: ServiceAccount
}

const rowsOf = (account: ServiceAccount): Row[] => account.tokens.map((token) => ({ ...token, account }))

const revoke = ({ id, account }: Row) =>
  call('DELETE /api/v1/service-accounts/:id/tokens/:token', { path: { id: account.id, token: id } })
