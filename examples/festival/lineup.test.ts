import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { it } from 'node:test'
import { readCsv } from './readCsv.ts'
import { readJsonLd } from './readJsonLd.ts'

const data = (name: string) => readFileSync(new URL(`./data/${name}`, import.meta.url), 'utf8')
const heading = 'artist,venue,stage,startsAt,endsAt,published'
const csv = (...lines: string[]) => readCsv([heading, ...lines].join('\n'))

it('reads the demo line-ups', () => {
  const fromCsv = readCsv(data('lineup.csv'))
  assert.equal(fromCsv.length, 12)
  assert.deepEqual(fromCsv[0]?.genres, ['Electronica', 'Ambient'])
  assert.equal(fromCsv.filter(({ published }) => !published).length, 1)
  const fromJson = readJsonLd(data('lineup.jsonld'))
  assert.equal(fromJson.length, 8, 'the cancelled one is left out')
  assert.deepEqual([fromJson[0]?.venue, fromJson[0]?.city], ['Lichtung am Schwarzsee', 'Freiburg'])
})

it('takes semicolons, a byte order mark, quotes and empty lines', () => {
  const source = `\ufeff${heading.replaceAll(',', ';')}\n\n"A; B";V;S;2027-01-01T10:00:00Z;2027-01-01T11:00:00Z;ja\n`
  assert.equal(readCsv(source)[0]?.artist, 'A; B')
})

for (const [what, read, fault] of [
  [
    'a date without a time',
    () => csv('A,V,S,2027-01-01,2027-01-01T10:00:00Z,'),
    /line 2: startsAt: an instant/,
  ],
  [
    'an end before the beginning',
    () => csv('A,V,S,2027-01-01T10:00:00Z,2027-01-01T09:00:00Z,'),
    /line 2: endsAt/,
  ],
  [
    'two at a time on a stage',
    () =>
      csv(
        'A,V,S,2027-01-01T10:00:00Z,2027-01-01T12:00:00Z,',
        'B,V,S,2027-01-01T11:00:00Z,2027-01-01T13:00:00Z,',
      ),
    /line 3: S still belongs to A \(line 2\)/,
  ],
  [
    'a word for published that is neither',
    () => csv('A,V,S,2027-01-01T10:00:00Z,2027-01-01T12:00:00Z,maybe'),
    /line 2: published/,
  ],
  ['no artist', () => csv(',V,S,2027-01-01T10:00:00Z,2027-01-01T12:00:00Z,'), /line 2: artist/],
  ['a missing column', () => readCsv('artist,venue\nA,V'), /Columns missing: stage, startsAt, endsAt/],
  ['an unknown column', () => readCsv(`${heading},colour\nA,V,S,x,y,yes,red`), /Columns not known: colour/],
  ['too few cells', () => csv('A,V'), /It is no CSV file/],
  ['nothing', () => readCsv(''), /Columns missing/],
  ['only a heading', () => readCsv(heading), /Columns missing|no performance/],
  ['broken JSON', () => readJsonLd('{'), /It is no JSON/],
  ['another kind of document', () => readJsonLd('{"@type":"Person"}'), /@type/],
  ['a festival without events', () => readJsonLd('{"@type":"Festival"}'), /no performance/],
] as const) {
  it(`says what is wrong with ${what}`, () => {
    assert.throws(read, (error: Error & { code?: string }) => {
      assert.equal(error.code, 'lineup-invalid')
      assert.match(error.message, fault)
      return true
    })
  })
}
