import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { call } from '../api/call.ts'
import { reading, whoAmI } from '../api/queries.ts'
import type { ApiToken } from '../api/routes.ts'
import { Loaded } from '../parts/Loaded.tsx'
import { Page } from '../parts/Page.tsx'
import { Table } from '../parts/Table.tsx'
import { may } from '../permissions.ts'
import { useMoment, useWords } from '../words/index.tsx'
import { NewToken } from './NewToken.tsx'
import { RevokeToken } from './RevokeToken.tsx'
import { ServiceAccountTokens } from './ServiceAccountTokens.tsx'

/** A person's tokens for programs. */
export function TokensPage() {
  const { tokens: words, actions, never } = useWords()
  const moment = useMoment()
  const { data: me } = useQuery(whoAmI)
  const list = useQuery(reading('GET /api/v1/auth/tokens'))
  const [making, setMaking] = useState(false)
  const [revoking, setRevoking] = useState<ApiToken | null>(null)
  const own = !me?.impersonator
  const make = own && (
    <button type="button" className="primary" onClick={() => setMaking(true)}>
      {words.create}
    </button>
  )
  return (
    <Page title={words.title} lead={words.lead} actions={make}>
      <Loaded query={list}>
        {(tokens) =>
          tokens.length === 0 ? (
            <p className="empty">{words.none}</p>
          ) : (
            <Table
              label={words.title}
              rows={tokens}
              columns={[
                { name: words.name, cell: ({ name }) => name },
                { name: words.permissions, cell: ({ permissions }) => <code>{permissions.join(', ')}</code> },
                { name: words.expires, cell: ({ expiresAt }) => moment(expiresAt) },
                { name: words.used, cell: ({ lastUsedAt }) => (lastUsedAt ? moment(lastUsedAt) : never) },
                {
                  name: actions,
                  quiet: true,
                  cell: (token) =>
                    own && (
                      <button
                        type="button"
                        aria-label={`${words.revoke}: ${token.name}`}
                        onClick={() => setRevoking(token)}
                      >
                        {words.revoke}
                      </button>
                    ),
                },
              ]}
            />
          )
        }
      </Loaded>
      {making && <NewToken close={() => setMaking(false)} />}
      {me && may(me, 'people.read') && <ServiceAccountTokens manages={own && may(me, 'people.manage')} />}
      {revoking && (
        <RevokeToken
          name={revoking.name}
          reads="GET /api/v1/auth/tokens"
          revoke={() => call('DELETE /api/v1/auth/tokens/:id', { path: { id: revoking.id } })}
          close={() => setRevoking(null)}
        />
      )}
    </Page>
  )
}
