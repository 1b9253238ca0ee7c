import { useQuery } from '@tanstack/react-query'
import { call } from '../api/call.ts'
import { reading, whoAmI } from '../api/queries.ts'
import { Loaded } from '../parts/Loaded.tsx'
import { Page } from '../parts/Page.tsx'
import { Table } from '../parts/Table.tsx'
import { useTell } from '../parts/Told.tsx'
import { Try } from '../parts/Try.tsx'
import { may } from '../permissions.ts'
import { useAmounts, useMoment, useWords } from '../words/index.tsx'

/** Every backup there is, and what restoring one has shown. */
export function BackupsPage() {
  const { backups: words } = useWords()
  const moment = useMoment()
  const { bytes } = useAmounts()
  const list = useQuery(reading('GET /api/v1/backups'))
  return (
    <Page title={words.title}>
      <Drills />
      <Loaded query={list}>
        {(backups) =>
          backups.length === 0 ? (
            <p className="empty">{words.none}</p>
          ) : (
            <Table
              label={words.title}
              rows={backups}
              columns={[
                { name: words.tenant, cell: ({ slug }) => slug },
                {
                  name: words.holds,
                  cell: ({ snapshotAt }) => (snapshotAt ? moment(snapshotAt) : words.running),
                },
                { name: words.kind, cell: (backup) => words.kinds[backup.class] },
                { name: words.size, cell: (backup) => (backup.bytes === null ? '–' : bytes(backup.bytes)) },
                { name: words.until, cell: ({ expiresAt }) => moment(expiresAt) },
              ]}
            />
          )
        }
      </Loaded>
    </Page>
  )
}

function Drills() {
  const { backups: words } = useWords()
  const moment = useMoment()
  const { duration } = useAmounts()
  const tell = useTell()
  const { data: me } = useQuery(whoAmI)
  const list = useQuery(reading('GET /api/v1/drills'))
  const begin = () => call('POST /api/v1/drills').then(() => tell(words.begun))
  return (
    <section className="card">
      <h2>{words.drills}</h2>
      <p>{words.drillsLead}</p>
      <Loaded query={list}>
        {({ drills }) =>
          drills.length === 0 ? (
            <p className="meta">{words.noDrills}</p>
          ) : (
            <Table
              label={words.drills}
              rows={drills}
              columns={[
                { name: words.tenant, cell: ({ slug }) => slug },
                {
                  name: words.result,
                  cell: ({ passed }) => (
                    <span className="state" data-good={passed}>
                      {passed ? words.passed : words.failed}
                    </span>
                  ),
                },
                { name: words.rto, cell: ({ rtoMs }) => duration(rtoMs) },
                { name: words.rpo, cell: ({ rpoMs }) => duration(rpoMs) },
                { name: words.ended, cell: ({ endedAt }) => moment(endedAt) },
              ]}
            />
          )
        }
      </Loaded>
      {me && may(me, 'backup.drill') && <Try label={words.begin} work={begin} />}
    </section>
  )
}
