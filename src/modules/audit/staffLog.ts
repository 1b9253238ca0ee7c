import { existsSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { type ActorSeals, NO_TENANT } from '../../data/actor.ts'
import type { Stores } from '../../data/index.ts'
import type { SqlClient } from '../../data/sql.ts'

/** A statement that somebody ran, as the server logged it. */
export interface LoggedStatement {
  /** As the server writes it, with its time zone. */
  at: string
  role: string
  database: string
  statement: string
}

/** Of a log that is read the first time, and of one that grew while nobody read, at most so much at once (bytes). */
const MOST_BYTES = 4_000_000

/** A statement is kept to this length. */
const MOST_CHARACTERS = 2_000

/**
 * Reads what is new in the server's log and puts the statements that people ran into the deployment's trail, by their
 * role. Entries and how far the log was read are one transaction: killed anywhere, nothing is missing and nothing is
 * there twice. A log that was rotated to `<file>.1` is read to its end first. Returns how many entries were made.
 */
export async function collectStaffLog(
  file: string,
  sealer: NonNullable<Stores['sealer']>,
  seals: ActorSeals,
): Promise<number> {
  return sealer.transaction(async (client) => {
    await client.query('SELECT pg_advisory_xact_lock(821912305)')
    const { rows } = await client.query<{ inode: string; position: string }>(
      'SELECT inode, position FROM audit.log_position WHERE file = $1',
      [file],
    )
    let made = 0
    for await (const part of readNew(file, rows[0])) {
      for (const statement of parseLog(part.text)) await record(client, seals, statement)
      made += parseLog(part.text).length
      await client.query(
        `INSERT INTO audit.log_position (file, inode, position) VALUES ($1, $2, $3)
         ON CONFLICT (file) DO UPDATE SET inode = EXCLUDED.inode, position = EXCLUDED.position`,
        [file, part.inode, part.position],
      )
    }
    return made
  })
}

async function record(client: SqlClient, seals: ActorSeals, one: LoggedStatement): Promise<void> {
  const { role, database, at, statement } = one
  const actor = seals.of(NO_TENANT, { kind: 'staff', id: role.replaceAll(/[^\w.-]/g, '_').toLowerCase() })
  const details = JSON.stringify({ at, statement: withoutPasswords(statement).slice(0, MOST_CHARACTERS) })
  await client.query('SELECT audit.record($1, $2, $3, $4, $5)', [
    actor,
    NO_TENANT,
    'database.statement',
    database.slice(0, 300),
    details,
  ])
}

const withoutPasswords = (statement: string): string =>
  statement.replaceAll(/(password\s+)(e?'(?:[^']|'')*'|\$\$.*?\$\$)/gis, "$1'…'")

/** `log_line_prefix`: `%m [%p] %q%u@%d `. Further lines of a statement begin with a tab, so none can pass for a first one. */
const LINE = /^(\d{4}-\d\d-\d\d [\d:.]+ \S+) \[\d+\] (\S+)@(\S+) LOG: {2}(?:statement|execute [^:]*): (.*)$/

/** The statements in a piece of the log. */
export function parseLog(text: string): LoggedStatement[] {
  const found: LoggedStatement[] = []
  let last: LoggedStatement | undefined
  for (const line of text.split('\n')) {
    if (line.startsWith('\t')) {
      if (last) last.statement += `\n${line.slice(1)}`
      continue
    }
    const match = LINE.exec(line)
    last = undefined
    if (!match) continue
    const [, at, role, database, statement] = match as unknown as [string, string, string, string, string]
    last = { at, role, database, statement }
    found.push(last)
  }
  return found
}

interface Part {
  inode: number
  position: number
  text: string
}

async function* readNew(
  file: string,
  known: { inode: string; position: string } | undefined,
): AsyncGenerator<Part> {
  if (!existsSync(file)) return
  const rotated = `${file}.1`
  if (known && existsSync(rotated)) {
    const old = await readFrom(rotated, (inode) =>
      inode === Number(known.inode) ? Number(known.position) : null,
    )
    if (old) yield old
  }
  const same = (inode: number) => (inode === Number(known?.inode) ? Number(known?.position) : 0)
  const part = await readFrom(file, same)
  if (part) yield part
}

async function readFrom(file: string, begin: (inode: number) => number | null): Promise<Part | undefined> {
  const handle = await open(file, 'r')
  try {
    const { ino: inode, size } = await handle.stat()
    const from = begin(inode)
    if (from === null || size <= from) return undefined
    const text = await readLines(handle, from, Math.min(size - from, MOST_BYTES))
    const position = from + Buffer.byteLength(text)
    return { inode, position, text }
  } finally {
    await handle.close()
  }
}

/** Whole lines only: the rest is there next time. */
async function readLines(handle: FileHandle, from: number, length: number): Promise<string> {
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, from)
  const end = buffer.subarray(0, bytesRead).lastIndexOf('\n')
  return buffer.subarray(0, end + 1).toString()
}
