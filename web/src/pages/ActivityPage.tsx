import { useQuery } from '@tanstack/react-query'
import { reading } from '../api/queries.ts'
import { Loaded } from '../parts/Loaded.tsx'
import { Page } from '../parts/Page.tsx'
import { Table } from '../parts/Table.tsx'
import { useMoment, useWords } from '../words/index.tsx'

/** What happened to a person's access. */
export function ActivityPage() {
  const { activity: words } = useWords()
  const moment = useMoment()
  const events = useQuery(reading('GET /api/v1/auth/events'))
  return (
    <Page title={words.title} lead={words.lead}>
      <Loaded query={events}>
        {(rows) =>
          rows.length === 0 ? (
            <p className="empty">{words.none}</p>
          ) : (
            <Table
              label={words.title}
              rows={rows}
              columns={[
                { name: words.what, cell: ({ kind }) => words.kinds[kind] ?? kind },
                { name: words.when, cell: ({ at }) => moment(at) },
              ]}
            />
          )
        }
      </Loaded>
    </Page>
  )
}
