import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { call } from '../api/call.ts'
import { reading, whoAmI } from '../api/queries.ts'
import type { Document, Me, ServiceAccount } from '../api/routes.ts'
import { Dialog } from '../parts/Dialog.tsx'
import { Field, Form, type Values } from '../parts/Form.tsx'
import { Loaded } from '../parts/Loaded.tsx'
import { Said } from '../parts/problem.ts'
import { Secret } from '../parts/Secret.tsx'
import { may } from '../permissions.ts'
import { useWords } from '../words/index.tsx'

/** Making a token, one's own or that of a program, and showing it once. */
export function NewToken({ of, close }: { of?: ServiceAccount; close(): void }) {
  const { tokens: words, serviceAccounts } = useWords()
  const client = useQueryClient()
  const { data: me } = useQuery(whoAmI)
  const document = useQuery(reading('GET /api/v1/openapi.json'))
  const roles = useQuery({ ...reading('GET /api/v1/roles'), enabled: of !== undefined })
  const [made, setMade] = useState<string | null>(null)
  const make = async ({ name = '', days }: Values, form: FormData) => {
    const permissions = form.getAll('permissions').map(String)
    if (permissions.length === 0) throw new Said(words.choose)
    const body = { name, permissions, days: Number(days) }
    const { token } = of
      ? await call('POST /api/v1/service-accounts/:id/tokens', { path: { id: of.id }, body })
      : await call('POST /api/v1/auth/tokens', { body })
    setMade(token)
    await client.invalidateQueries(reading(of ? 'GET /api/v1/service-accounts' : 'GET /api/v1/auth/tokens'))
  }
  // A program has no more than its role, and nobody gives more than they have.
  const grants = of ? (roles.data?.find(({ role }) => role === of.role)?.permissions ?? []) : ['*.*']
  if (made)
    return (
      <Dialog title={of ? serviceAccounts.tokenOf(of.name) : words.made} close={close}>
        <p>{words.madeLead}</p>
        <Secret text={made} />
      </Dialog>
    )
  return (
    <Dialog title={of ? serviceAccounts.newTokenOf(of.name) : words.create} close={close}>
      <Loaded query={document}>
        {(routes) => (
          <Form submit={words.submit} send={make}>
            <Field label={words.name} hint={words.nameHint} name="name" maxLength={100} autoComplete="off" />
            <fieldset>
              <legend>{words.permissions}</legend>
              {me &&
                permissionsOf(routes, me, grants).map((permission) => (
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

/** What the routes of this host ask for, this person may do, and `permissions` of a role cover. */
function permissionsOf({ paths }: Document, me: Me, permissions: string[]): string[] {
  const asked = Object.values(paths).flatMap((methods) =>
    Object.values(methods).map((method) => method['x-permission'] ?? ''),
  )
  const known = new Set(asked.filter((permission) => permission && !permission.startsWith('own.')))
  return [...known].filter((one) => may(me, one) && may({ permissions }, one)).sort()
}
