import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { call } from '../api/call.ts'
import { reading, whoAmI } from '../api/queries.ts'
import type { Document, Me } from '../api/routes.ts'
import { Dialog } from '../parts/Dialog.tsx'
import { Field, Form, type Values } from '../parts/Form.tsx'
import { Loaded } from '../parts/Loaded.tsx'
import { Said } from '../parts/problem.ts'
import { Secret } from '../parts/Secret.tsx'
import { may } from '../permissions.ts'
import { useWords } from '../words/index.tsx'

/** Making a token and showing it once. */
export function NewToken({ close }: { close(): void }) {
  const { tokens: words } = useWords()
  const client = useQueryClient()
  const { data: me } = useQuery(whoAmI)
  const document = useQuery(reading('GET /api/v1/openapi.json'))
  const [made, setMade] = useState<string | null>(null)
  const make = async ({ name = '', days }: Values, form: FormData) => {
    const permissions = form.getAll('permissions').map(String)
    if (permissions.length === 0) throw new Said(words.choose)
    const body = { name, permissions, days: Number(days) }
    const { token } = await call('POST /api/v1/auth/tokens', { body })
    setMade(token)
    await client.invalidateQueries(reading('GET /api/v1/auth/tokens'))
  }
  if (made)
    return (
      <Dialog title={words.made} close={close}>
        <p>{words.madeLead}</p>
        <Secret text={made} />
      </Dialog>
    )
  return (
    <Dialog title={words.create} close={close}>
      <Loaded query={document}>
        {(routes) => (
          <Form submit={words.submit} send={make}>
            <Field label={words.name} hint={words.nameHint} name="name" maxLength={100} autoComplete="off" />
            <fieldset>
              <legend>{words.permissions}</legend>
              {me &&
                permissionsOf(routes, me).map((permission) => (
                  <label className="check" key={permission}>
                    <input type="checkbox" name="permissions" value={permission} /> <code>{permission}</code>
                  </label>
                ))}
            </fieldset>
            <Field label={words.days} name="days" type="number" min={1} max={365} defaultValue={90} />
          </Form>
        )}
      </Loaded>
    </Dialog>
  )
}

/** What the routes of this host ask for and this person may do. */
function permissionsOf({ paths }: Document, me: Me): string[] {
  const asked = Object.values(paths).flatMap((methods) =>
    Object.values(methods).map((method) => method['x-permission'] ?? ''),
  )
  const known = new Set(asked.filter((permission) => permission && !permission.startsWith('own.')))
  return [...known].filter((permission) => may(me, permission)).sort()
}
