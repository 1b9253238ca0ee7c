import type { Database } from '../../data/index.ts'
import type { TenantRecord } from './tenant.ts'

/** One line of the registry and where its data lies. */
export interface Registered extends TenantRecord {
  database: string
}

/**
 * How long (ms) a process may go on with what it last read, when Redis does not tell it of a change. A suspension is in
 * force in the tenant's store before that.
 */
const FRESH_FOR = 1_000

/** Reads the tenant registry, each host and slug at most once a second. */
export interface Registry {
  byHost(host: string): Promise<Registered | undefined>
  bySlug(slug: string): Promise<Registered | undefined>
  list(): Promise<Registered[]>
  /** Forgets what it read, after a change. */
  refresh(): void
}

const SELECT = `
  SELECT t.id, t.slug, t.name, t.model, t.state, t.database, t.canary, t.suspended_at AS "suspendedAt",
    t.created_at AS "createdAt",
    array(SELECT h.host FROM tenancy.host h WHERE h.tenant_id = t.id ORDER BY h.host) AS hosts
  FROM tenancy.tenant t WHERE t.state <> 'erasing'`

/** Opens the registry on the control database. Remembers at most `most` answers, unknown hosts too. */
export function openRegistry(control: Database, most = 10_000): Registry {
  const answers = new Map<string, { readAt: number; answer: Promise<Registered | undefined> }>()

  function ask(key: string, condition: string, value: string): Promise<Registered | undefined> {
    const known = answers.get(key)
    const now = performance.now()
    if (known && now - known.readAt < FRESH_FOR) return known.answer
    const answer = control.query<Registered>(`${SELECT} AND ${condition}`, [value]).then((rows) => rows[0])
    answer.catch(() => answers.delete(key))
    answers.delete(key)
    answers.set(key, { readAt: now, answer })
    if (answers.size > most) answers.delete(answers.keys().next().value as string)
    return answer
  }

  return {
    byHost: (host) =>
      ask(`host ${host}`, 't.id = (SELECT h.tenant_id FROM tenancy.host h WHERE h.host = $1)', host),
    bySlug: (slug) => ask(`slug ${slug}`, 't.slug = $1', slug),
    list: () => control.query<Registered>(`${SELECT} ORDER BY t.slug`),
    refresh: () => answers.clear(),
  }
}
