import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { call } from '../api/call.ts'
import { reading, useChange, whoAmI } from '../api/queries.ts'
import { leave } from '../api/session.ts'
import { deviceName } from '../deviceName.ts'
import { Dialog } from '../parts/Dialog.tsx'
import { Form } from '../parts/Form.tsx'
import { Loaded } from '../parts/Loaded.tsx'
import { Page } from '../parts/Page.tsx'
import { Table } from '../parts/Table.tsx'
import { useTell } from '../parts/Told.tsx'
import { useMoment, useWords } from '../words/index.tsx'

/** Where a person is signed in. */
export function SessionsPage() {
  const { sessions: words, actions } = useWords()
  const moment = useMoment()
  const tell = useTell()
  const { data: me } = useQuery(whoAmI)
  const list = useQuery(reading('GET /api/v1/auth/sessions'))
  const [leaving, setLeaving] = useState(false)
  const own = !me?.impersonator
  const end = useChange(async (id: string) => {
    await call('DELETE /api/v1/auth/sessions/:id', { path: { id } })
    tell(words.ended)
  }, 'GET /api/v1/auth/sessions')
  const endAll = async () => {
    await call('DELETE /api/v1/auth/sessions')
    leave()
  }
  const everywhere = own && (
    <button type="button" onClick={() => setLeaving(true)}>
      {words.endAll}
    </button>
  )
  return (
    <Page title={words.title} lead={words.lead} actions={everywhere}>
      <Loaded query={list}>
        {(sessions) => (
          <Table
            label={words.title}
            rows={sessions}
            columns={[
              {
                name: words.device,
                cell: ({ id, device }) => (
                  <>
                    {deviceName(device)} {id === me?.session && <span className="state">{words.here}</span>}
                  </>
                ),
              },
              { name: words.started, cell: ({ startedAt }) => moment(startedAt) },
              { name: words.used, cell: ({ lastUsedAt }) => moment(lastUsedAt) },
              {
                name: actions,
                quiet: true,
                cell: ({ id, device }) =>
                  own &&
                  id !== me?.session && (
                    <button
                      type="button"
                      aria-label={`${words.end}: ${deviceName(device)}`}
                      onClick={() => end.mutate(id)}
                    >
                      {words.end}
                    </button>
                  ),
              },
            ]}
          />
        )}
      </Loaded>
      {leaving && (
        <Dialog title={words.endAll} close={() => setLeaving(false)}>
          <p>{words.endAllLead}</p>
          <Form submit={words.endAll} danger send={endAll}>
            {null}
          </Form>
        </Dialog>
      )}
    </Page>
  )
}
