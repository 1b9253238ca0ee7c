import type { Database } from '../../data/index.ts'

/** Uses that a process takes for itself at once; what it does not spend before it ends is lost, which is safe. */
const BLOCK = 65_536

/** Counts how often keys are used, over all processes, without asking the database each time. */
export interface Uses {
  /** Counts one use of the key `id`; false when it has none left. */
  take(id: string): Promise<boolean>
}

export function openUses(database: Database, usesPerKey: number): Uses {
  const block = Math.min(BLOCK, usesPerKey)
  const left = new Map<string, number>()
  const taking = new Map<string, Promise<boolean>>()

  async function takeBlock(id: string): Promise<boolean> {
    const rows = await database.query(
      'UPDATE vault.data_key SET uses = uses + $2 WHERE id = $1 AND uses + $2 <= $3 RETURNING id',
      [id, block, usesPerKey],
    )
    if (rows.length > 0) left.set(id, (left.get(id) ?? 0) + block)
    return rows.length > 0
  }

  return {
    async take(id) {
      for (;;) {
        const rest = left.get(id) ?? 0
        if (rest > 0) {
          left.set(id, rest - 1)
          return true
        }
        const under = taking.get(id) ?? takeBlock(id).finally(() => taking.delete(id))
        taking.set(id, under)
        if (!(await under)) return false
      }
    },
  }
}
