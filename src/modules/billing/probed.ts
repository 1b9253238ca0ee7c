import type { AsMigrator } from '../../data/migrator.ts'

/** Begins the ids of payments that probes made up. */
export const PROBED = 'tr_probe'

/** Removes whatever the inbox and the books hold of them. */
export async function removeProbed(asMigrator: AsMigrator): Promise<void> {
  await asMigrator('remove payments of a probe', async (client) => {
    for (const [table, column] of [
      ['inbox', 'resource_id'],
      ['booking', 'resource_id'],
      ['event', 'resource_id'],
      ['resource', 'id'],
    ])
      await client.query(`DELETE FROM billing.${table} WHERE starts_with(${column}, $1)`, [PROBED])
  })
}
