import { mkdir, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { writeWhole } from '../../kernel/writeWhole.ts'
import type { Erasure } from './ledger.ts'

/** What the ledger has to know to erase a tenant once more. */
const Line = z.object({
  id: z.uuid(),
  slug: z.string(),
  model: z.enum(['database', 'rows']),
  database: z.string(),
  canary: z.literal(false),
  because: z.enum(['time over', 'request']),
  begunAt: z.coerce.date(),
  nonce: z.string(),
})

export type KeptLine = z.output<typeof Line>

/** Beside the folder of tenants' files: what is set back with the whole cluster does not set this back. */
const folderIn = (files: string): string => join(files, 'erasures')

/**
 * Keeps a line of the ledger as a file, whole or not at all, and on the disk when this resolves. Canaries are nobody's,
 * and are not kept.
 */
export async function keepLine(files: string, erasure: Erasure): Promise<void> {
  const { success, data } = Line.safeParse(erasure)
  if (!success) return
  const folder = folderIn(files)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  writeWhole(join(folder, `${data.id}.json`), JSON.stringify(data))
}

/** The lines that are kept. One that cannot be read is an error: somebody could come back by it. */
export async function keptLines(files: string): Promise<KeptLine[]> {
  const folder = folderIn(files)
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  const kept = names.filter((name) => name.endsWith('.json'))
  return Promise.all(
    kept.map(async (name) => Line.parse(JSON.parse(await readFile(join(folder, name), 'utf8')))),
  )
}
