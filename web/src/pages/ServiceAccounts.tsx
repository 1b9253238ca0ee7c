import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { call } from '../api/call.ts'
import { reading, useChange } from '../api/queries.ts'
import type { ServiceAccount } from '../api/routes.ts'
import { Dialog } from '../parts/Dialog.tsx'
import { Field, Form, type Values } from '../parts/Form.tsx'
import { Loaded } from '../parts/Loaded.tsx'
import { useProblem } from '../parts/problem.ts'
import { Section } from '../parts/Section.tsx'
import { Table } from '../parts/Table.tsx'
import { useTell } from '../parts/Told.tsx'
import { useWords } from '../words/index.tsx'
import { NewToken } from './NewToken.tsx'
import { RoleChoice } from './RoleChoice.tsx'
import { RoleField } from './RoleField.tsx'

type Question = 'token' | 'remove'
interface Asked {
  what: Question
  account: ServiceAccount
}

/** Programs that have access, apart from the people: adding, roles, tokens, taking access away. */
export function ServiceAccounts({ manages }: { manages: boolean }) {
  const { serviceAccounts: words } = useWords()
  const list = useQuery(reading('GET /api/v1/service-accounts'))
  const [adding, setAdding] = useState(false)
  const add = manages && (
    <button type="button" onClick={() => setAdding(true)}>
      {words.add}
    </button>
  )
  return (
    <Section title={words.title} lead={words.lead} actions={add}>
      <Loaded query={list}>
        {(accounts) =>
          accounts.length === 0 ? (
            <p className="empty">{words.none}</p>
          ) : (
            <Accounts accounts={accounts} manages={manages} />
          )
        }
      </Loaded>
      {adding && <Add close={() => setAdding(false)} />}
    </Section>
  )
}

function Accounts({ accounts, manages }: { accounts: ServiceAccount[]; manages: boolean }) {
  const { serviceAccounts: words, users, actions } = useWords()
  const [asked, ask] = useState<Asked | null>(null)
  const close = () => ask(null)
  return (
    <>
      <Table
        label={words.title}
        rows={accounts}
        columns={[
          { name: words.name, cell: ({ name }) => name },
          {
            name: words.role,
            cell: (account) => (
              <RoleChoice
                of={account}
                fixed={!manages}
                reads="GET /api/v1/service-accounts"
                changed={words.changed}
                change={(role) => change(account, { role })}
              />
            ),
          },
          { name: words.tokens, cell: ({ tokens }) => tokens.length },
          {
            name: users.state,
            cell: ({ state }) => (
              <span className="state" data-good={state === 'active'}>
                {users.states[state]}
              </span>
            ),
          },
          {
            name: actions,
            quiet: true,
            cell: (account) =>
              manages && <Actions account={account} ask={(what) => ask({ what, account })} />,
          },
        ]}
      />
      {asked?.what === 'token' && <NewToken of={asked.account} close={close} />}
      {asked?.what === 'remove' && <Remove account={asked.account} close={close} />}
    </>
  )
}

function Actions({ account, ask }: { account: ServiceAccount; ask(what: Question): void }) {
  const { serviceAccounts: words, users } = useWords()
  const tell = useTell()
  const problem = useProblem()
  const restore = useChange(() => change(account, { state: 'active' }), 'GET /api/v1/service-accounts')
  const button = (label: string, work: () => void) => (
    <button type="button" aria-label={`${label}: ${account.name}`} onClick={work}>
      {label}
    </button>
  )
  if (account.state === 'disabled')
    return button(users.restore, () =>
      restore.mutate(undefined, { onError: (error) => tell(problem(error)) }),
    )
  return (
    <span className="actions">
      {button(words.newToken, () => ask('token'))}
      {button(users.remove, () => ask('remove'))}
    </span>
  )
}

function Add({ close }: { close(): void }) {
  const { serviceAccounts: words } = useWords()
  const client = useQueryClient()
  const roles = useQuery(reading('GET /api/v1/roles'))
  const add = async ({ name = '', role = '' }: Values) => {
    await call('POST /api/v1/service-accounts', { body: { name, role } })
    await client.invalidateQueries(reading('GET /api/v1/service-accounts'))
    close()
  }
  return (
    <Dialog title={words.add} close={close}>
      <Loaded query={roles}>
        {(all) => (
          <Form submit={words.submit} send={add}>
            <Field label={words.name} hint={words.nameHint} name="name" autoComplete="off" maxLength={200} />
            <RoleField label={words.role} roles={all} />
          </Form>
        )}
      </Loaded>
    </Dialog>
  )
}

function Remove({ account, close }: { account: ServiceAccount; close(): void }) {
  const { serviceAccounts: words, users } = useWords()
  const client = useQueryClient()
  const remove = async () => {
    await change(account, { state: 'disabled' })
    await client.invalidateQueries(reading('GET /api/v1/service-accounts'))
    close()
  }
  return (
    <Dialog title={users.removeOf(account.name)} close={close}>
      <p>{words.removeLead}</p>
      <Form submit={users.remove} danger send={remove}>
        {null}
      </Form>
    </Dialog>
  )
}

const change = ({ id }: ServiceAccount, body: { role?: string; state?: ServiceAccount['state'] }) =>
  call('PATCH /api/v1/service-accounts/:id', { path: { id }, body })
