import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { call } from '../api/call.ts'
import { reading, useChange, whoAmI } from '../api/queries.ts'
import type { Me, Person } from '../api/routes.ts'
import { isOperators } from '../audience.ts'
import { Loaded } from '../parts/Loaded.tsx'
import { Page } from '../parts/Page.tsx'
import { useProblem } from '../parts/problem.ts'
import { Table } from '../parts/Table.tsx'
import { useTell } from '../parts/Told.tsx'
import { may } from '../permissions.ts'
import { useWords } from '../words/index.tsx'
import { Invite, InviteAgain } from './Invite.tsx'
import { RemoveAccess } from './RemoveAccess.tsx'
import { ResetAccess } from './ResetAccess.tsx'
import { RoleChoice } from './RoleChoice.tsx'
import { ServiceAccounts } from './ServiceAccounts.tsx'

/** Everybody who may sign in: inviting, roles, taking access away. */
export function UsersPage() {
  const { users: words } = useWords()
  const { data: me } = useQuery(whoAmI)
  const list = useQuery(reading('GET /api/v1/people'))
  const [inviting, setInviting] = useState(false)
  const manages = me != null && may(me, 'people.manage') && !me.impersonator
  const invite = manages && (
    <button type="button" className="primary" onClick={() => setInviting(true)}>
      {words.invite}
    </button>
  )
  return (
    <Page title={isOperators ? words.operatorsTitle : words.title} lead={words.lead} actions={invite}>
      <Loaded query={list}>
        {(people) => (
          <>
            {me && <People people={people} me={me} manages={manages} />}
            {people.length === 1 && manages && <p className="empty">{words.only}</p>}
          </>
        )}
      </Loaded>
      <ServiceAccounts manages={manages} />
      {inviting && <Invite close={() => setInviting(false)} />}
    </Page>
  )
}

type Question = 'invite' | 'reset' | 'remove'

function People({ people, me, manages }: { people: Person[]; me: Me; manages: boolean }) {
  const { users: words, actions } = useWords()
  const [asked, ask] = useState<{ what: Question; person: Person } | null>(null)
  const close = () => ask(null)
  return (
    <>
      <Table
        label={words.title}
        rows={people}
        columns={[
          {
            name: words.name,
            cell: ({ id, name, email }) => (
              <>
                {name} {id === me.id && <span className="state">{words.you}</span>}
                <small>{email}</small>
              </>
            ),
          },
          {
            name: words.role,
            cell: (person) => (
              <RoleChoice
                of={person}
                fixed={!manages || person.id === me.id}
                reads="GET /api/v1/people"
                changed={words.changed}
                change={(role) =>
                  call('PATCH /api/v1/people/:id', { path: { id: person.id }, body: { role } })
                }
              />
            ),
          },
          {
            name: words.state,
            cell: ({ state, waiting }) => {
              const shown = waiting && state === 'active' ? 'invited' : state
              return (
                <span className="state" data-good={shown === 'active'}>
                  {words.states[shown]}
                </span>
              )
            },
          },
          {
            name: actions,
            quiet: true,
            cell: (person) =>
              manages &&
              person.id !== me.id && <Actions person={person} ask={(what) => ask({ what, person })} />,
          },
        ]}
      />
      {asked?.what === 'invite' && <InviteAgain person={asked.person} close={close} />}
      {asked?.what === 'reset' && <ResetAccess person={asked.person} close={close} />}
      {asked?.what === 'remove' && <RemoveAccess person={asked.person} close={close} />}
    </>
  )
}

function Actions({ person, ask }: { person: Person; ask(what: Question): void }) {
  const { users: words } = useWords()
  const tell = useTell()
  const problem = useProblem()
  const restore = useChange(
    () => call('PATCH /api/v1/people/:id', { path: { id: person.id }, body: { state: 'active' } }),
    'GET /api/v1/people',
  )
  if (person.state === 'disabled')
    return (
      <button
        type="button"
        aria-label={`${words.restore}: ${person.name}`}
        onClick={() => restore.mutate(undefined, { onError: (error) => tell(problem(error)) })}
      >
        {words.restore}
      </button>
    )
  const offered = [
    person.waiting
      ? { what: 'invite' as const, label: words.link }
      : { what: 'reset' as const, label: words.reset },
    { what: 'remove' as const, label: words.remove },
  ]
  return (
    <span className="actions">
      {offered.map(({ what, label }) => (
        <button key={what} type="button" aria-label={`${label}: ${person.name}`} onClick={() => ask(what)}>
          {label}
        </button>
      ))}
    </span>
  )
}
