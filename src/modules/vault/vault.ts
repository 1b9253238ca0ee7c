import type { InferInsertModel } from 'drizzle-orm'
import type { PgTable } from 'drizzle-orm/pg-core'
import { Sealed, type SecretField, secretFields } from '../../data/secretColumn.ts'
import { decrypt, encrypt, subkey } from './cipher.ts'
import type { DataKey, DataKeys } from './dataKeys.ts'
import { formatSealed, parseSealed } from './format.ts'
import { badContext, refused } from './problems.ts'

/** Whose secret it is. Any tenant object will do. */
export interface Owner {
  id: string
  canary?: boolean
}

type Plain<Value> = Value extends Sealed ? string : Value

/** A row with its secrets in clear. */
export type Opened<Row> = { [Key in keyof Row]: Plain<Row[Key]> }

/** What is put into `seal`: columns of the table, secrets in clear. */
type Clear<Table extends PgTable> = Partial<Opened<InferInsertModel<Table>>>

type SealedRow<Table extends PgTable, Values> = {
  [Key in keyof Values]: Key extends keyof InferInsertModel<Table>
    ? InferInsertModel<Table>[Key]
    : Values[Key]
}

/** A secret that did not open, for an alert: who, what and why, and nothing of the secret. */
export interface Refusal {
  tenantId: string
  /** A probe's attack: nobody needs to be woken. */
  canary: boolean
  field: string
  why: 'no sealed text' | 'no such key' | 'not authentic'
}

/** A key that lives and dies with a tenant's keys. */
export interface DerivedKey {
  /** Keep it beside what was encrypted: it finds the key again. */
  keyId: string
  /** 32 bytes. */
  key: Buffer
}

/** Seals and opens secrets of tenants. */
export interface Sealing {
  /**
   * `values` with its secrets sealed, for `insert` or `update`. Needs the columns that the secrets are bound to. Throws
   * Problems `vault-destroyed` and `vault-context`.
   */
  seal<Table extends PgTable, const Values extends Clear<Table>>(
    owner: Owner,
    table: Table,
    values: Values,
  ): Promise<SealedRow<Table, Values>>
  /**
   * A row that was read from `table`, with its secrets in clear. Needs the columns that the secrets are bound to. A
   * secret that was changed, or moved here from another tenant, row or column, throws a Problem `vault-refused` and
   * raises an alert.
   */
  open<Row extends object>(owner: Owner, table: PgTable, row: Row): Promise<Opened<Row>>
  /** The sealed `text` of `field` in `row` (by TypeScript names) sealed anew under the newest key. Throws as `open` does. */
  reseal(owner: Owner, field: SecretField, row: object, text: string): Promise<string>
  /** A key for `purpose`, such as `backup`: the current one, or the one that `keyId` names. Throws `vault-destroyed`, `vault-refused`. */
  derive(owner: Owner, purpose: string, keyId?: string): Promise<DerivedKey>
}

export function openSealing(options: {
  keys: DataKeys
  /** Binds each text to its key as well. */
  commitment: boolean
  onRefused(refusal: Refusal): void
}): Sealing {
  const { keys, commitment, onRefused } = options
  const subkeys = new WeakMap<DataKey, Map<string, Buffer>>()

  function keyFor(dataKey: DataKey, purpose: string): Buffer {
    const known = subkeys.get(dataKey) ?? new Map<string, Buffer>()
    subkeys.set(dataKey, known)
    const key = known.get(purpose) ?? subkey(dataKey.key, purpose)
    known.set(purpose, key)
    return key
  }

  async function sealOne(owner: Owner, field: SecretField, row: object, plain: string): Promise<Sealed> {
    const context = contextOf(owner, field, row)
    const dataKey = await keys.forWriting(owner.id)
    const parts = encrypt(keyFor(dataKey, `field ${field.name}`), context, Buffer.from(plain), commitment)
    const text = formatSealed({ version: dataKey.version, ...parts })
    return new Sealed(text, boundTo(field))
  }

  async function openOne(owner: Owner, field: SecretField, row: object, { text }: Sealed): Promise<string> {
    const context = contextOf(owner, field, row)
    const refuse = (why: Refusal['why']) => {
      onRefused({ tenantId: owner.id, canary: owner.canary ?? false, field: field.name, why })
      return refused(
        `${field.name} does not open: it was changed, or belongs to another tenant, row or column.`,
      )
    }
    const parts = parseSealed(text)
    if (!parts) throw refuse('no sealed text')
    const openWith = (candidates: readonly DataKey[]): string | undefined => {
      for (const dataKey of candidates) {
        const plain = decrypt(keyFor(dataKey, `field ${field.name}`), context, parts)
        if (plain) return plain.toString()
      }
      return undefined
    }
    const known = await keys.forReading(owner.id, parts.version)
    const opened = openWith(known)
    if (opened !== undefined) return opened
    const since = await keys.madeSince(owner.id, parts.version, known)
    const openedNow = openWith(since)
    if (openedNow !== undefined) return openedNow
    throw refuse(known.length + since.length === 0 ? 'no such key' : 'not authentic')
  }

  return {
    async seal(owner, table, values) {
      const row: Record<string, unknown> = { ...values }
      for (const field of secretFields(table)) {
        const plain = row[field.key]
        if (plain !== undefined && plain !== null)
          row[field.key] = await sealOne(owner, field, values, String(plain))
      }
      return row as SealedRow<typeof table, typeof values>
    },
    async open(owner, table, row) {
      const opened = { ...row } as Record<string, unknown>
      for (const field of secretFields(table)) {
        const value = opened[field.key]
        if (value instanceof Sealed) opened[field.key] = await openOne(owner, field, row, value)
      }
      return opened as Opened<typeof row>
    },
    async reseal(owner, field, row, text) {
      const plain = await openOne(owner, field, row, new Sealed(text, boundTo(field)))
      return (await sealOne(owner, field, row, plain)).text
    },
    async derive(owner, purpose, keyId) {
      const dataKey = keyId ? await keys.byId(owner.id, keyId) : await keys.forWriting(owner.id)
      if (!dataKey) throw refused(`The tenant has no key ${keyId}.`)
      return { keyId: dataKey.id, key: subkey(dataKey.key, `purpose ${purpose}`) }
    },
  }
}

const boundTo = ({ context }: SecretField): string[] => context.map(({ column }) => column)

/** No separator and nothing empty in a part, else two rows could share a context (`a:b` + `c`, `a` + `b:c`). */
const PART = /^[A-Za-z0-9._-]{1,128}$/

/** `tenantId:socialAccountId:platform`, and its kin. */
function contextOf({ id }: Owner, field: SecretField, row: object): string {
  const values = field.context.map(({ key }) => (row as Record<string, unknown>)[key])
  const parts = [id, ...values].map(String)
  if (
    values.some((value) => value === undefined || value === null) ||
    !parts.every((part) => PART.test(part))
  )
    throw badContext(
      `${field.name} is bound to ${boundTo(field).join(' and ')}: each must be there, of letters, digits, ".", "_" and "-".`,
    )
  return parts.join(':')
}
