import { createHash } from 'node:crypto'
import type { SqlClient } from '../../data/sql.ts'

/** Whether changes are being captured, and by what. */
export interface CaptureState {
  tables: number
  /** Tables whose trigger is missing, off or bent. */
  lacking: number
  /** SHA-256 over the definitions of all triggers and functions of the capture, hex; one for each kind of store. */
  digests: string[]
}

const DEFINITIONS = `
  SELECT pg_get_functiondef(p.oid) AS line FROM pg_proc p WHERE p.pronamespace = 'audit'::regnamespace
  UNION ALL
  SELECT t.tgenabled::text || ' ' || pg_get_triggerdef(t.oid) FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
  WHERE p.pronamespace = 'audit'::regnamespace
  UNION ALL
  SELECT e.evtenabled::text || ' ' || e.evtname || ' ' || e.evtevent || ' ' || e.evtfoid::regproc::text FROM pg_event_trigger e
  ORDER BY 1`

/** Looks at the capture of the store that `client` is connected to. */
export async function readCapture(client: SqlClient): Promise<CaptureState> {
  const { rows } = await client.query<{ lack: string }>('SELECT lack FROM audit.captured_tables()')
  const definitions = await client.query<{ line: string }>(DEFINITIONS)
  const hash = createHash('sha256')
  for (const { line } of definitions.rows) hash.update(`${line}\n`)
  return {
    tables: rows.length,
    lacking: rows.filter(({ lack }) => lack !== '').length,
    digests: [hash.digest('hex')],
  }
}

/** All stores together. */
export function joinStates(states: readonly CaptureState[]): CaptureState {
  const sum = (of: 'tables' | 'lacking') => states.reduce((total, state) => total + state[of], 0)
  const digests = [...new Set(states.flatMap((state) => state.digests))].sort()
  return { tables: sum('tables'), lacking: sum('lacking'), digests }
}
