import { useQuery } from '@tanstack/react-query'
import { reading, useChange } from '../api/queries.ts'
import { useProblem } from '../parts/problem.ts'
import { useTell } from '../parts/Told.tsx'
import { useWords } from '../words/index.tsx'

/** The role of somebody in a list, to be changed unless `fixed`; `changed` is told then. */
export function RoleChoice(props: {
  of: { name: string; role: string }
  fixed: boolean
  reads: 'GET /api/v1/people' | 'GET /api/v1/service-accounts'
  changed: string
  change(role: string): Promise<unknown>
}) {
  const { users: words, roles: names } = useWords()
  const tell = useTell()
  const problem = useProblem()
  const roles = useQuery(reading('GET /api/v1/roles'))
  const change = useChange(props.change, props.reads)
  const { name, role } = props.of
  const nameOf = (one: string) => names.names[one] ?? one
  if (props.fixed || !roles.data) return nameOf(role)
  return (
    <select
      aria-label={words.roleOf(name)}
      value={change.isPending ? change.variables : role}
      onChange={(event) =>
        change.mutate(event.target.value, {
          onSuccess: () => tell(props.changed),
          onError: (error) => tell(problem(error)),
        })
      }
    >
      {roles.data.map(({ role: one }) => (
        <option key={one} value={one}>
          {nameOf(one)}
        </option>
      ))}
    </select>
  )
}
