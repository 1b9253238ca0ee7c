import { DatabaseError } from 'pg'
import { type SpanStart, traced } from '../kernel/trace.ts'

/** Whose data it is, as spans tell it: never by name. */
export interface Whose {
  id: string
  model: 'database' | 'rows'
}

/** `flight` in a span. The declared name of a statement says what it does, so neither SQL nor values are told. */
export function tracedFlight<T>(name: string, whose: Whose, flight: () => Promise<T>): Promise<T> {
  return traced(
    () => startOf(name, whose),
    (span) =>
      span
        ? flight().catch((error: unknown) => {
            span.set({ 'db.response.status_code': sqlStateOf(error) })
            throw error
          })
        : flight(),
  )
}

const startOf = (name: string, { id, model }: Whose): SpanStart => ({
  name,
  kind: 'client',
  attributes: {
    'db.system.name': 'postgresql',
    'db.query.summary': name,
    'surety.tenant.id': id,
    'surety.tenant.isolation': model,
  },
})

/** The SQLSTATE that a call failed with. */
function sqlStateOf(error: unknown): string | undefined {
  const { cause } = (error ?? {}) as { cause?: unknown }
  return [error, cause].find((one) => one instanceof DatabaseError)?.code
}
