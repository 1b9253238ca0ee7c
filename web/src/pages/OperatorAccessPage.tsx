import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { call } from '../api/call.ts'
import { reading, useChange, whoAmI } from '../api/queries.ts'
import type { Impersonation } from '../api/routes.ts'
import { Dialog } from '../parts/Dialog.tsx'
import { Loaded } from '../parts/Loaded.tsx'
import { Page } from '../parts/Page.tsx'
import { useProblem } from '../parts/problem.ts'
import { Table } from '../parts/Table.tsx'
import { useTell } from '../parts/Told.tsx'
import { may } from '../permissions.ts'
import { useMoment, useWords } from '../words/index.tsx'

/** Which operators acted in whose name, why, and what they did. */
export function OperatorAccessPage() {
  const { operatorAccess: words, actions } = useWords()
  const moment = useMoment()
  const { data: me } = useQuery(whoAmI)
  const people = useQuery({ ...reading('GET /api/v1/people'), enabled: me != null && may(me, 'people.read') })
  const list = useQuery(reading('GET /api/v1/impersonations'))
  const [shown, setShown] = useState<Impersonation | null>(null)
  const nameOf = (id: string) => people.data?.find((person) => person.id === id)?.name ?? id
  return (
    <Page title={words.title} lead={words.lead}>
      <Loaded query={list}>
        {(lines) =>
          lines.length === 0 ? (
            <p className="empty">{words.none}</p>
          ) : (
            <Table
              label={words.title}
              rows={lines}
              columns={[
                { name: words.who, cell: ({ operator }) => operator },
                { name: words.whom, cell: ({ personId }) => nameOf(personId) },
                { name: words.reason, cell: ({ reason }) => reason },
                { name: words.when, cell: ({ startedAt }) => moment(startedAt) },
                {
                  name: words.state,
                  cell: (line) => (
                    <span className="state" data-good={!isRunning(line)}>
                      {isRunning(line) ? words.running : words.over}
                    </span>
                  ),
                },
                {
                  name: actions,
                  quiet: true,
                  cell: (line) => (
                    <span className="actions">
                      <button type="button" onClick={() => setShown(line)}>
                        {words.acts}
                      </button>
                      {isRunning(line) && me && may(me, 'security.manage') && !me.impersonator && (
                        <End id={line.id} />
                      )}
                    </span>
                  ),
                },
              ]}
            />
          )
        }
      </Loaded>
      {shown && <Acts of={shown} close={() => setShown(null)} />}
    </Page>
  )
}

const isRunning = ({ endedAt, expiresAt }: Impersonation) =>
  endedAt === null && Date.parse(expiresAt) > Date.now()

function End({ id }: { id: string }) {
  const { operatorAccess: words } = useWords()
  const tell = useTell()
  const problem = useProblem()
  const end = useChange(
    () => call('POST /api/v1/impersonations/:id/end', { path: { id } }),
    'GET /api/v1/impersonations',
  )
  return (
    <button
      type="button"
      className="danger"
      onClick={() => end.mutate(undefined, { onError: (error) => tell(problem(error)) })}
    >
      {words.end}
    </button>
  )
}

function Acts({ of: { id }, close }: { of: Impersonation; close(): void }) {
  const { operatorAccess: words, activity } = useWords()
  const moment = useMoment()
  const events = useQuery({
    queryKey: ['acts', id],
    queryFn: () => call('GET /api/v1/impersonations/:id/events', { path: { id } }),
  })
  return (
    <Dialog title={words.acts} close={close}>
      <Loaded query={events}>
        {(rows) =>
          rows.length === 0 ? (
            <p>{words.noActs}</p>
          ) : (
            <ul className="acts">
              {rows.map(({ id: row, at, kind, details }) => (
                <li key={row}>
                  <span className="meta">{moment(at)}</span>{' '}
                  {typeof details['what'] === 'string' ? (
                    <code>{details['what']}</code>
                  ) : (
                    (activity.kinds[kind] ?? kind)
                  )}
                </li>
              ))}
            </ul>
          )
        }
      </Loaded>
    </Dialog>
  )
}
