import { randomUUID } from 'node:crypto'
import { type Measure, measure } from '../../../proof/measure.ts'
import { makeCanaries, seenIn, waysToLeak } from '../canaries.ts'
import type { MeasureParts } from '../measures.ts'
import { readAll, written, writtenBare } from '../scratchLog.ts'

/** CAST-69. */
export function logRedaction({ parts, log }: MeasureParts): Measure {
  return measure({
    key: 'log.redaction',
    sources: ['CAST-69'],
    family: 'data-access',
    maps: { gdpr: ['32(1)(b)', '25(1)'], iso27001: ['A.8.11', 'A.8.15'] },
    claim: {
      de: () =>
        'Passwörter, Tokens, JWTs, Authorization- und Cookie-Header, API-Schlüssel und Zugangsdaten wie DATABASE_URL, REDIS_URL und SMTP_PASS erscheinen in keinem Protokoll, in welcher Tiefe, Fehlerursache oder URL sie auch stehen.',
      en: () =>
        'Passwords, tokens, JWTs, authorization and cookie headers, API keys and credentials such as DATABASE_URL, REDIS_URL and SMTP_PASS appear in no log, at whatever depth, in whatever cause of an error or URL they stand.',
    },
    async prove({ check, positiveControl }) {
      const canaries = makeCanaries()
      const ways = Object.entries(waysToLeak(canaries))
      const through = (write: (typeof ways)[number][1]) => seenIn(written(write, parts.guard), canaries)
      const leaking = ways.filter(([, write]) => through(write).length > 0).map(([way]) => way)
      check(
        `of ${ways.length} ways to write a secret or an address, those by which it reaches the log`,
        [],
        leaking,
      )
      const unguarded = ways.filter(([, write]) => seenIn(writtenBare(write), canaries).length > 0)
      positiveControl('those by which it does without redaction', ways.length, unguarded.length)
      const visit = randomUUID()
      log.info(
        { visit, request: { headers: { authorization: canaries.secret, cookie: canaries.secret } } },
        'canary',
      )
      parts.files.flush()
      const kept = readAll(parts.files.folder)
      positiveControl("a line of this probe in the running process's files", true, kept.includes(visit))
      check('secrets of that line in any log file', [], seenIn(kept, canaries))
    },
  })
}
