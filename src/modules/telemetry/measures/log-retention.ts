import { readdirSync } from 'node:fs'
import pino from 'pino'
import { type Clock, shiftedClock } from '../../../kernel/clock.ts'
import { formatDuration } from '../../../kernel/duration.ts'
import { type Measure, measure } from '../../../proof/measure.ts'
import { type FilesOptions, filesIn, SINKS } from '../files.ts'
import type { MeasureParts } from '../measures.ts'
import { inScratchFolder } from '../scratchLog.ts'

const DAY = 86_400_000

type Claimed = FilesOptions['keepFor'] & { decisions: number }

/** FSTV-15. What another program does with what a process prints is not seen from here, and not claimed. */
export function logRetention({ parts, egress, clock }: MeasureParts): Measure<Claimed> {
  const { keepFor } = parts.fileOptions
  return measure<Claimed>({
    key: 'log.retention',
    sources: ['FSTV-15'],
    family: 'data-access',
    maps: { gdpr: ['5(1)(e)'], iso27001: ['A.8.10', 'A.8.15'] },
    settings: { ...keepFor, decisions: egress.kept.keepFor },
    claim: {
      de: ({ requests, lines, alarms, decisions }) =>
        `Protokolldateien werden nach Ablauf gelöscht: Zugriffe nach ${formatDuration(requests, 'de')}, Betriebsmeldungen nach ${formatDuration(lines, 'de')}, Warnungen und Fehler nach ${formatDuration(alarms, 'de')}, ausgehende Verbindungen nach ${formatDuration(decisions, 'de')}.`,
      en: ({ requests, lines, alarms, decisions }) =>
        `Log files are deleted when their time is over: requests after ${formatDuration(requests, 'en')}, operation after ${formatDuration(lines, 'en')}, warnings and errors after ${formatDuration(alarms, 'en')}, connections out after ${formatDuration(decisions, 'en')}.`,
    },
    async prove({ check, positiveControl }) {
      const now = clock.now().getTime()
      const old = filesIn(parts.files.folder).filter(({ sink, until }) => until + keepFor[sink] + DAY < now)
      const { folder, keepFor: decisionsFor } = egress.kept
      const oldDecisions = readdirSync(folder).filter(
        (name) => Date.parse(name.slice(0, 10)) + decisionsFor + 2 * DAY < now,
      )
      const names = [...old.map(({ name }) => name), ...oldDecisions]
      check('log files that are older than they may be', [], names.sort())
      for (const sink of SINKS) {
        const left = (shift: number) => leftAfter(parts, sink, shiftedClock(clock, shift))
        positiveControl(
          `${sink}: files a day before the time is over`,
          1,
          await left(Math.max(0, keepFor[sink] - DAY)),
        )
        check(`${sink}: files two days after it is over`, 0, await left(keepFor[sink] + 2 * DAY))
      }
    },
  })
}

/** How many files are left of one line that is written now, once a process looks at `then`. */
function leftAfter(
  { fileOptions, openFiles }: MeasureParts['parts'],
  sink: (typeof SINKS)[number],
  then: Clock,
) {
  const { info, warn } = pino.levels.values as Record<'info' | 'warn', number>
  return inScratchFolder((folder) => {
    const files = openFiles(folder, fileOptions)
    files.write('{}\n', sink === 'alarms' ? warn : info, sink === 'requests' ? 'request' : undefined)
    files.close()
    openFiles(folder, { ...fileOptions, clock: then }).close()
    return readdirSync(folder).filter((name) => name.includes(`.${sink}.`)).length
  })
}
