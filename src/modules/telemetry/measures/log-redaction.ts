import { randomUUID } from 'node:crypto'
import { type Measure, measure } from '../../../proof/measure.ts'
import { factsThatLeak, makeCanaries, seenIn, waysToLeak } from '../canaries.ts'
import type { MeasureParts } from '../measures.ts'
import { readAll, written, writtenBare } from '../scratchLog.ts'
import { sentAsTraces, unlooked } from '../scratchTraces.ts'
import { lookedAt } from '../startTracing.ts'

/** CAST-69; also what leaves as traces, where traces leave. */
export function logRedaction({ parts, settings, log }: MeasureParts): Measure {
  return measure({
    key: 'log.redaction',
    sources: ['CAST-69'],
    family: 'data-access',
    maps: { gdpr: ['32(1)(b)', '25(1)'], iso27001: ['A.8.11', 'A.8.15'] },
    settings: { traces: settings.tracesUrl !== undefined },
    claim: {
      de: ({ traces }) =>
        `Passwörter, Tokens, JWTs, Authorization- und Cookie-Header, API-Schlüssel und Zugangsdaten wie DATABASE_URL, REDIS_URL und SMTP_PASS erscheinen in keinem Protokoll${traces ? ' und keinem Trace' : ''}, in welcher Tiefe, Fehlerursache oder URL sie auch stehen.`,
      en: ({ traces }) =>
        `Passwords, tokens, JWTs, authorization and cookie headers, API keys and credentials such as DATABASE_URL, REDIS_URL and SMTP_PASS appear in no log${traces ? ' and no trace' : ''}, at whatever depth, in whatever cause of an error or URL they stand.`,
    },
    async prove({ check, positiveControl, settings: { traces } }) {
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
      if (!traces) return
      const facts = Object.entries(factsThatLeak(canaries))
      const leaving = (look: typeof unlooked) =>
        Promise.all(
          facts.map(async ([way, told]) =>
            seenIn(await sentAsTraces({ [way]: told }, look), canaries).length > 0 ? [way] : [],
          ),
        ).then((found) => found.flat())
      check(
        `of ${facts.length} ways to tell a secret of a span, those by which it leaves`,
        [],
        await leaving(lookedAt(parts.guard)),
      )
      positiveControl(
        'those by which it does without redaction',
        facts.map(([way]) => way),
        await leaving(unlooked),
      )
    },
  })
}
