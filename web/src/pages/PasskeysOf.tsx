import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { call } from '../api/call.ts'
import { hasPasskeys } from '../api/passkeys.ts'
import { reading, useChange } from '../api/queries.ts'
import type { Passkey } from '../api/routes.ts'
import { Dialog } from '../parts/Dialog.tsx'
import { Loaded } from '../parts/Loaded.tsx'
import { useProblem } from '../parts/problem.ts'
import { useTell } from '../parts/Told.tsx'
import { useMoment, useWords } from '../words/index.tsx'
import { AddPasskey } from './AddPasskey.tsx'

/** A person's passkeys: adding one on this device, removing one. */
export function PasskeysOf() {
  const { passkeys: words } = useWords()
  const client = useQueryClient()
  const list = useQuery(reading('GET /api/v1/auth/passkeys'))
  const [adding, setAdding] = useState(false)
  const done = async () => {
    setAdding(false)
    await client.invalidateQueries()
  }
  return (
    <section className="card">
      <h2>{words.title}</h2>
      <p>{words.lead}</p>
      <Loaded query={list}>
        {(passkeys) => (
          <ul className="lines">
            {passkeys.map((passkey) => (
              <Line key={passkey.id} passkey={passkey} />
            ))}
          </ul>
        )}
      </Loaded>
      {hasPasskeys ? (
        <button type="button" onClick={() => setAdding(true)}>
          {words.add}
        </button>
      ) : (
        <p className="hint">{words.unknown}</p>
      )}
      {adding && (
        <Dialog title={words.add} close={() => setAdding(false)}>
          <AddPasskey done={done} />
        </Dialog>
      )}
    </section>
  )
}

function Line({ passkey: { id, name, createdAt, lastUsedAt } }: { passkey: Passkey }) {
  const { passkeys: words, never } = useWords()
  const moment = useMoment()
  const tell = useTell()
  const problem = useProblem()
  const remove = useChange(
    async () => {
      await call('DELETE /api/v1/auth/passkeys/:id', { path: { id } })
      tell(words.removed)
    },
    'GET /api/v1/auth/passkeys',
    'GET /api/v1/auth/second-factors',
    'me',
  )
  return (
    <li>
      <span>
        <strong>{name}</strong>
        <small>
          {words.since(moment(createdAt))}, {words.used(lastUsedAt ? moment(lastUsedAt) : never)}
        </small>
      </span>
      <button
        type="button"
        aria-label={`${words.remove}: ${name}`}
        onClick={() => remove.mutate(undefined, { onError: (error) => tell(problem(error)) })}
      >
        {words.remove}
      </button>
    </li>
  )
}
