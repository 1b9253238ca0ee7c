import { useQuery } from '@tanstack/react-query'
import { call, Refused } from '../api/call.ts'
import { Loaded } from '../parts/Loaded.tsx'
import { Page } from '../parts/Page.tsx'
import { Table } from '../parts/Table.tsx'
import { useMoment, useWords } from '../words/index.tsx'

/** What was paid for the account. */
export function BillingPage() {
  const { billing: words } = useWords()
  const moment = useMoment()
  const bill = useQuery({
    queryKey: ['bill'],
    queryFn: () =>
      call('GET /api/v1/billing').catch((error: Error) => {
        if (error instanceof Refused && error.status === 404) return null
        throw error
      }),
  })
  return (
    <Page title={words.title}>
      <Loaded query={bill}>
        {(known) =>
          known === null ? (
            <p className="empty">{words.none}</p>
          ) : (
            <>
              {known.subscription && <p>{words.subscription(known.subscription)}</p>}
              <Table
                label={words.title}
                rows={known.bookings.map((booking, i) => ({ ...booking, id: `${i}` }))}
                columns={[
                  { name: words.payment, cell: ({ payment }) => <code>{payment}</code> },
                  { name: words.kind, cell: ({ kind }) => kind },
                  { name: words.amount, cell: ({ amount, currency }) => `${amount} ${currency}` },
                  { name: words.booked, cell: ({ bookedAt }) => moment(bookedAt) },
                ]}
              />
            </>
          )
        }
      </Loaded>
    </Page>
  )
}
