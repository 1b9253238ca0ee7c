import { hostname } from 'node:os'
import type { Database } from '../../data/index.ts'
import type { LogFiles } from './files.ts'

/** The last seals of this machine's log files, kept away from the files. A test may replace a part. */
export interface Heads {
  /** Keeps those of the process's own files, and forgets those of files that were removed in time. */
  keep(files: LogFiles): Promise<void>
  /** By name of file, the newest first. */
  known(most: number): Promise<Map<string, string>>
}

export function openHeads(control: Database): Heads {
  const host = hostname()
  return {
    async keep(files) {
      for (const [name, seal] of files.heads())
        await control.query(
          `INSERT INTO telemetry.log_head (host, name, seal, day) VALUES ($1, $2, $3, $4)
           ON CONFLICT (host, name) DO UPDATE SET seal = excluded.seal`,
          [host, name, seal, name.slice(0, 10)],
        )
      // By what may be gone, not by what is gone: who removes a file must not remove its head with it.
      for (const [sink, before] of files.oldestDays())
        await control.query('DELETE FROM telemetry.log_head WHERE host = $1 AND name LIKE $2 AND day < $3', [
          host,
          `%.${sink}.%`,
          before,
        ])
    },
    async known(most) {
      const asked = 'SELECT name, seal FROM telemetry.log_head WHERE host = $1 ORDER BY name DESC LIMIT $2'
      const rows = await control.query<{ name: string; seal: string }>(asked, [host, most])
      return new Map(rows.map(({ name, seal }) => [name, seal]))
    },
  }
}
