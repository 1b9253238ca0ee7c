import { parse } from 'csv-parse/sync'
import { badLineup, checkLineup, type LineupRow } from './lineup.ts'

const COLUMNS = [
  'artist',
  'country',
  'genres',
  'venue',
  'city',
  'timeZone',
  'stage',
  'startsAt',
  'endsAt',
  'title',
  'published',
]
const NEEDED = ['artist', 'venue', 'stage', 'startsAt', 'endsAt']

/**
 * Reads a line-up from CSV (RFC 4180, UTF-8, `,` or `;`) with a heading. Genres are separated by `|`; `timeZone` is
 * Europe/Berlin and `published` is yes unless told otherwise.
 */
export function readCsv(source: string): LineupRow[] {
  let lines: { record: Record<string, string>; info: { lines: number } }[]
  try {
    lines = parse(source, {
      columns: true,
      bom: true,
      trim: true,
      skip_empty_lines: true,
      info: true,
      delimiter: [',', ';'],
    })
  } catch (cause) {
    throw badLineup(`It is no CSV file: ${(cause as Error).message}`, { cause })
  }
  const heading = Object.keys(lines[0]?.record ?? {})
  const missing = NEEDED.filter((name) => !heading.includes(name))
  const unknown = heading.filter((name) => !COLUMNS.includes(name))
  if (missing.length > 0 || unknown.length > 0)
    throw badLineup(
      [
        missing.length > 0 ? `Columns missing: ${missing.join(', ')}.` : '',
        unknown.length > 0
          ? `Columns not known: ${unknown.join(', ')}; known are ${COLUMNS.join(', ')}.`
          : '',
      ]
        .join(' ')
        .trim(),
    )
  const rows = lines.map(({ record }) => ({
    ...record,
    genres: (record.genres ?? '')
      .split('|')
      .map((genre) => genre.trim())
      .filter(Boolean),
    timeZone: record.timeZone || 'Europe/Berlin',
    published: yesOrNo(record.published),
  }))
  return checkLineup(rows, (i) => `line ${lines[i]?.info.lines}`)
}

function yesOrNo(text: string | undefined): unknown {
  if (!text || /^(yes|ja|true|1)$/i.test(text)) return true
  return /^(no|nein|false|0)$/i.test(text) ? false : text
}
