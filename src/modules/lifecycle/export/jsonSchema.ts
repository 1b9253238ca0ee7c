import { exported, type Table } from './tables.ts'

/** PostgreSQL's types as JSON has them. */
const TYPES: Readonly<Record<string, object>> = {
  uuid: { type: 'string', format: 'uuid' },
  boolean: { type: 'boolean' },
  smallint: { type: 'integer' },
  integer: { type: 'integer' },
  bigint: { type: 'integer' },
  numeric: { type: 'number' },
  real: { type: 'number' },
  'double precision': { type: 'number' },
  date: { type: 'string', format: 'date' },
  json: {},
  jsonb: {},
}

/** The JSON Schema (2020-12) of one line of the table's file. */
export function jsonSchemaOf(table: Table): object {
  const columns = exported(table)
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: table.name,
    type: 'object',
    properties: Object.fromEntries(
      columns.map(({ name, type, isNullable }) => [name, schemaOf(type, isNullable)]),
    ),
    required: columns.map(({ name }) => name),
    additionalProperties: false,
  }
}

function schemaOf(type: string, isNullable: boolean): object {
  const plain = type.endsWith('[]')
    ? { type: 'array', items: TYPES[type.slice(0, -2)] ?? { type: 'string' } }
    : (TYPES[type.replace(/\(.*\)$/, '')] ?? { type: 'string' })
  return isNullable && 'type' in plain ? { anyOf: [plain, { type: 'null' }] } : plain
}
