import { DatabaseError } from 'pg'
import { defineProblem, Problem } from '../kernel/problems.ts'

const conflict = defineProblem({ code: 'conflict', status: 409, title: 'It already exists' })
const missingReference = defineProblem({
  code: 'missing-reference',
  status: 409,
  title: 'It refers to something missing',
})
const invalidValue = defineProblem({ code: 'invalid-value', status: 400, title: 'A value is not valid' })
/** Writing for a suspended tenant, to its database or its files. */
export const readOnly = defineProblem({
  code: 'tenant-read-only',
  status: 423,
  title: 'This tenant is read-only',
})
const notAllowed = defineProblem({ code: 'not-allowed', status: 403, title: 'Not allowed' })
const tooSlow = defineProblem({ code: 'query-timeout', status: 503, title: 'The query took too long' })
const unavailable = defineProblem({
  code: 'database-unavailable',
  status: 503,
  title: 'The database is not available',
})

/** SQLSTATE, whole or class, to the problem a caller may see. Neither values nor SQL go into the detail. */
const KINDS: readonly [RegExp, (cause: unknown) => Problem][] = [
  [/^23505$/, (cause) => conflict('Another record has the same key.', { cause })],
  [
    /^23503$/,
    (cause) =>
      missingReference('It refers to a record that does not exist, or is still referred to.', { cause }),
  ],
  [/^(22|23)/, (cause) => invalidValue('The database refused a value.', { cause })],
  [/^25006$/, (cause) => readOnly('The tenant is suspended: reading works, writing does not.', { cause })],
  [/^42501$/, (cause) => notAllowed('The database refused access outside the tenant.', { cause })],
  [/^57014$/, (cause) => tooSlow('The database stopped the query at its time limit.', { cause })],
  [/^(08|53|57P)/, (cause) => unavailable('The database does not answer; try again shortly.', { cause })],
]

/**
 * What a failed database call becomes: a Problem for what a caller can understand or repeat, else the driver's own
 * error. Unwraps Drizzle's error, whose message holds the query and its values.
 */
export function databaseProblem(error: unknown): unknown {
  const source =
    error instanceof Error && error.cause instanceof Error && !(error instanceof Problem)
      ? error.cause
      : error
  if (source instanceof DatabaseError) {
    const kind = KINDS.find(([pattern]) => pattern.test(source.code ?? ''))
    return kind ? kind[1](source) : source
  }
  return isConnectionLoss(source)
    ? unavailable('The database does not answer; try again shortly.', { cause: source })
    : source
}

function isConnectionLoss(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const code = (error as NodeJS.ErrnoException).code
  return (
    code === 'ECONNREFUSED' ||
    code === 'ENOENT' ||
    code === 'ECONNRESET' ||
    /^Connection terminated/.test(error.message)
  )
}
