import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { call } from '../api/call.ts'
import { reading, whoAmI } from '../api/queries.ts'
import type { AuditEntry } from '../api/routes.ts'
import { Dialog } from '../parts/Dialog.tsx'
import { Loaded } from '../parts/Loaded.tsx'
import { Page } from '../parts/Page.tsx'
import { Table } from '../parts/Table.tsx'
import { may } from '../permissions.ts'
import { useMoment, useWords } from '../words/index.tsx'

/** Who changed what. */
export function AuditPage() {
  const { audit: words, actions } = useWords()
  const moment = useMoment()
  const whoOf = useWho()
  const { data: me } = useQuery(whoAmI)
  const [shown, setShown] = useState<AuditEntry | null>(null)
  const pages = useInfiniteQuery({
    queryKey: ['GET /api/v1/audit'],
    initialPageParam: '',
    queryFn: ({ pageParam }) =>
      call('GET /api/v1/audit', { query: pageParam === '' ? {} : { cursor: pageParam } }),
    getNextPageParam: ({ next }) => next,
  })
  // A download is no request of the script, which alone could send an operator's token.
  const download = me && !me.impersonator && (
    <a className="button" href="/api/v1/audit/export" download>
      {words.export}
    </a>
  )
  return (
    <Page title={words.title} lead={words.lead} actions={download}>
      <Loaded query={pages}>
        {({ pages: all }) =>
          all[0]?.entries.length === 0 ? (
            <p className="empty">{words.none}</p>
          ) : (
            <Table
              label={words.title}
              rows={all.flatMap(({ entries }) => entries)}
              columns={[
                { name: words.when, cell: ({ at }) => moment(at) },
                { name: words.who, cell: ({ who }) => whoOf(who) },
                { name: words.what, cell: ({ act }) => words.acts[act] ?? act },
                { name: words.where, cell: ({ target }) => <code>{target}</code> },
                {
                  name: actions,
                  quiet: true,
                  cell: (entry) => (
                    <button type="button" onClick={() => setShown(entry)}>
                      {words.details}
                    </button>
                  ),
                },
              ]}
            />
          )
        }
      </Loaded>
      {pages.hasNextPage && (
        <button type="button" aria-busy={pages.isFetchingNextPage} onClick={() => void pages.fetchNextPage()}>
          {words.more}
        </button>
      )}
      {shown && <Details entry={shown} close={() => setShown(null)} />}
    </Page>
  )
}

/** Says who `member:<id>+operator:<id>` is. */
function useWho(): (who: string) => string {
  const { audit: words } = useWords()
  const { data: me } = useQuery(whoAmI)
  const people = useQuery({ ...reading('GET /api/v1/people'), enabled: me != null && may(me, 'people.read') })
  const programs = useQuery({
    ...reading('GET /api/v1/service-accounts'),
    enabled: me != null && may(me, 'people.read'),
  })
  const nameOf = (one: string) => {
    const [kind, id] = one.split(':')
    const known = [...(people.data ?? []), ...(programs.data ?? [])].find((each) => each.id === id)?.name
    return known ?? (kind === 'operator' ? words.operator : one)
  }
  return (who) => {
    const [member = '', operator] = who.split('+')
    if (member === '') return words.nobody
    const name = nameOf(member)
    return operator ? words.asWell(nameOf(operator), name) : name
  }
}

interface Changed {
  id: string
  before: string
  after: string
}

function Details({ entry: { act, target, before, after }, close }: { entry: AuditEntry; close(): void }) {
  const { audit: words } = useWords()
  const fields = [...new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})])]
  const text = (value: unknown) =>
    value === undefined || value === null ? '–' : typeof value === 'string' ? value : JSON.stringify(value)
  const rows = fields
    .map((field) => ({ id: field, before: text(before?.[field]), after: text(after?.[field]) }))
    .filter((row) => row.before !== row.after)
  return (
    <Dialog title={`${target}: ${words.acts[act] ?? act}`} close={close}>
      <Table
        label={words.details}
        rows={rows}
        columns={[
          { name: words.field, cell: ({ id }) => <code>{id}</code> },
          ...(before ? [{ name: words.before, cell: (row: Changed) => row.before }] : []),
          ...(after ? [{ name: words.after, cell: (row: Changed) => row.after }] : []),
        ]}
      />
    </Dialog>
  )
}
