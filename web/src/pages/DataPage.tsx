import { useQuery } from '@tanstack/react-query'
import { reading, whoAmI } from '../api/queries.ts'
import { Loaded } from '../parts/Loaded.tsx'
import { Page } from '../parts/Page.tsx'
import { useMoment, useWords } from '../words/index.tsx'

/** How long the account's data stays, and the way out with it. */
export function DataPage() {
  const { data: words, suspended } = useWords()
  const moment = useMoment()
  const account = useQuery(reading('GET /api/v1/account'))
  const { data: me } = useQuery(whoAmI)
  return (
    <Page title={words.title} lead={words.lead}>
      <section className="card">
        <h2>{words.state}</h2>
        <Loaded query={account}>
          {({ erasedAfter, daysLeft }) => (
            <p>{erasedAfter ? suspended.until(moment(erasedAfter), daysLeft ?? 0) : words.active}</p>
          )}
        </Loaded>
      </section>
      <section className="card">
        <h2>{words.export}</h2>
        <p>{words.exportLead}</p>
        {me && !me.impersonator && (
          <a className="button" href="/api/v1/export" download>
            {words.download}
          </a>
        )}
      </section>
    </Page>
  )
}
