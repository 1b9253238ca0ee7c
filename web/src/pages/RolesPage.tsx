import { useQuery } from '@tanstack/react-query'
import { call } from '../api/call.ts'
import { reading, useChange, whoAmI } from '../api/queries.ts'
import type { Role } from '../api/routes.ts'
import { isOperators } from '../audience.ts'
import { Loaded } from '../parts/Loaded.tsx'
import { Page } from '../parts/Page.tsx'
import { useProblem } from '../parts/problem.ts'
import { Table } from '../parts/Table.tsx'
import { useTell } from '../parts/Told.tsx'
import { may } from '../permissions.ts'
import { useWords } from '../words/index.tsx'

/** What each role may do, and the switch for its second factor. */
export function RolesPage() {
  const { roles: words } = useWords()
  const { data: me } = useQuery(whoAmI)
  const list = useQuery(reading('GET /api/v1/roles'))
  const decides = me != null && may(me, 'roles.manage') && !me.impersonator && !isOperators
  return (
    <Page title={words.title} lead={words.lead}>
      <Loaded query={list}>
        {(roles) => (
          <Table
            label={words.title}
            rows={roles.map((role) => ({ ...role, id: role.role }))}
            columns={[
              { name: words.title, cell: ({ role }) => words.names[role] ?? role },
              {
                name: words.may,
                cell: ({ permissions }) =>
                  permissions.includes('*.*') ? words.everything : <code>{permissions.join(', ')}</code>,
              },
              { name: words.needs, cell: (role) => <NeedsFactor role={role} fixed={!decides} /> },
            ]}
          />
        )}
      </Loaded>
    </Page>
  )
}

function NeedsFactor({ role: { role, secondFactor }, fixed }: { role: Role; fixed: boolean }) {
  const { roles: words } = useWords()
  const tell = useTell()
  const problem = useProblem()
  const set = useChange(
    (needed: boolean) => call('PUT /api/v1/roles/:role/second-factor', { path: { role }, body: { needed } }),
    'GET /api/v1/roles',
    'me',
  )
  const on = set.isPending ? set.variables : secondFactor
  if (isOperators) return words.always
  return (
    <input
      type="checkbox"
      role="switch"
      aria-checked={on}
      className="switch"
      aria-label={words.needsOf(words.names[role] ?? role)}
      disabled={fixed}
      checked={on}
      onChange={(event) => set.mutate(event.target.checked, { onError: (error) => tell(problem(error)) })}
    />
  )
}
