import type { Database } from '../../data/index.ts'
import { defineProblem } from '../../kernel/problems.ts'

/** Entries, and hashes of one level, in a full tile (C2SP tlog-tiles: height 8). */
export const TILE_WIDTH = 256

const noTile = defineProblem({ code: 'tile-not-found', status: 404, title: 'The log has no such tile' })

/** Which tile a path asks for; `entries` are the records themselves. */
interface TileName {
  level: number | 'entries'
  index: number
  width: number
}

const PATH = /^(entries|\d|[1-5]\d|6[0-3])\/((?:x\d{3}\/)*\d{3})(?:\.p\/([1-9]\d{0,2}))?$/

/**
 * The tile at `path` (what follows `/tile/`), as C2SP tlog-tiles defines it: hashes of 32 bytes each, or entries with
 * their length in 16 bits ahead. Throws a Problem `tile-not-found` (404), also for a tile that is not full yet when the
 * path asks for the full one.
 */
export async function readTile(db: Database, path: string): Promise<Buffer> {
  const name = parsePath(path)
  const first = name.index * TILE_WIDTH
  const bytes =
    name.level === 'entries' ? await entries(db, first, name.width) : await hashes(db, name, first)
  if (!bytes)
    throw noTile(`There is no tile ${path}; a part of it may be at ${path.replace(/\.p.*/, '')}.p/<width>.`)
  return bytes
}

/** The path of a tile: numbers in groups of three digits, all but the last with an `x`. */
export function tilePath(level: number | 'entries', index: number, width: number): string {
  const groups = [String(index % 1000).padStart(3, '0')]
  for (let left = Math.floor(index / 1000); left > 0; left = Math.floor(left / 1000))
    groups.unshift(`x${String(left % 1000).padStart(3, '0')}`)
  return `${level}/${groups.join('/')}${width === TILE_WIDTH ? '' : `.p/${width}`}`
}

/** The records of an entry bundle. Throws when the bytes do not come out even. */
export function parseEntries(bundle: Buffer): Buffer[] {
  const found: Buffer[] = []
  for (let at = 0; at < bundle.length; ) {
    const length = bundle.readUInt16BE(at)
    if (at + 2 + length > bundle.length) throw noTile('The bundle of entries ends in the middle of one.')
    found.push(bundle.subarray(at + 2, at + 2 + length))
    at += 2 + length
  }
  return found
}

function parsePath(path: string): TileName {
  const match = PATH.exec(path)
  const [, level, digits, width] = match ?? []
  const index = Number(digits?.replaceAll(/[x/]/g, ''))
  const parsed: TileName = {
    level: level === 'entries' ? level : Number(level),
    index,
    width: width ? Number(width) : TILE_WIDTH,
  }
  // Only one way to write each name: no leading zero groups, no "part" as wide as the whole.
  if (!match || !Number.isSafeInteger(index) || tilePath(parsed.level, index, parsed.width) !== path)
    throw noTile(`"${path}" is no name of a tile.`)
  return parsed
}

async function entries(db: Database, first: number, width: number): Promise<Buffer | undefined> {
  const rows = await db.query<{ leaf: Buffer }>(
    'SELECT leaf FROM proof.entry WHERE index >= $1 AND index < $2 ORDER BY index',
    [first, first + width],
  )
  if (rows.length < width) return undefined
  return Buffer.concat(
    rows.flatMap(({ leaf }) => {
      const length = Buffer.alloc(2)
      length.writeUInt16BE(leaf.length)
      return [length, leaf]
    }),
  )
}

async function hashes(db: Database, { level, width }: TileName, first: number): Promise<Buffer | undefined> {
  const rows = await db.query<{ hash: Buffer }>(
    'SELECT hash FROM proof.node WHERE level = $1 AND index >= $2 AND index < $3 ORDER BY index',
    [8 * Number(level), first, first + width],
  )
  return rows.length < width ? undefined : Buffer.concat(rows.map(({ hash }) => hash))
}
