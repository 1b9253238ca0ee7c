import { inspect } from 'node:util'
import { getTableColumns, type Table } from 'drizzle-orm'
import { customType, getTableConfig, type PgTable } from 'drizzle-orm/pg-core'

/** A domain in every tenant store that takes only what the vault sealed. */
const DOMAIN = 'vault.secret'

/** A sealed text, as it is stored. Shows itself to nobody: neither in JSON nor in a log line. */
export class Sealed {
  readonly text: string
  /** Columns of the row that it is bound to. */
  readonly context: readonly string[]

  constructor(text: string, context: readonly string[]) {
    this.text = text
    this.context = context
  }

  toJSON(): string {
    return '[sealed]'
  }

  toString(): string {
    return '[sealed]'
  }

  [inspect.custom](): string {
    return '[sealed]'
  }
}

/**
 * A column of a tenant table for something secret: `accessToken: secret('access_token', ['id', 'platform'])`; in SQL
 * `access_token vault.secret`. `context` names columns of the same row that never change and together tell this row from
 * all others: what was sealed for one row is refused in any other. Written and read through `vault.seal` and `vault.open`;
 * text that was not sealed fits neither the type here nor the domain in the database.
 */
export function secret(name: string, context: readonly [string, ...string[]]) {
  return customType<{ data: Sealed; driverData: string }>({
    dataType: () => DOMAIN,
    toDriver(value) {
      if (!(value instanceof Sealed)) throw new TypeError(`Column ${name} takes what vault.seal gives.`)
      return value.text
    },
    fromDriver: (text) => new Sealed(text, context),
  })(name)
}

/** A column made by `secret`. */
export interface SecretField {
  /** `schema.table.column`: what the field's key is derived for. */
  name: string
  schema: string
  table: string
  /** Its name in the database and in TypeScript. */
  column: string
  key: string
  /** What it is bound to beside the tenant, in order. */
  context: readonly { column: string; key: string }[]
}

const known = new WeakMap<Table, readonly SecretField[]>()
const declared = new Set<SecretField>()

/** The secret columns of `table`. Throws when a column's context names a column that the table does not have. */
export function secretFields(table: PgTable): readonly SecretField[] {
  const found = known.get(table) ?? readFields(table)
  known.set(table, found)
  return found
}

/** Remembers the secret columns of `table`, so that rotating keys reaches them although nobody has used the table yet. */
export function declareSecrets(table: PgTable): void {
  for (const field of secretFields(table)) declared.add(field)
}

/** The secret columns of all tables that this process knows. */
export function declaredSecrets(): readonly SecretField[] {
  return [...declared]
}

function readFields(table: PgTable): SecretField[] {
  const { name, schema = 'public' } = getTableConfig(table)
  const columns = Object.entries(getTableColumns(table))
  return columns
    .filter(([, column]) => column.getSQLType() === DOMAIN)
    .map(([key, column]) => {
      // Drizzle keeps no place for a column's own data, but what it reads carries it.
      const { context } = column.mapFromDriverValue('') as Sealed
      return {
        name: `${schema}.${name}.${column.name}`,
        schema,
        table: name,
        column: column.name,
        key,
        context: context.map((part) => {
          const bound = columns.find(([, { name }]) => name === part)
          if (!bound)
            throw new Error(`${name}.${column.name} is bound to ${part}, which ${name} does not have.`)
          return { column: part, key: bound[0] }
        }),
      }
    })
}
