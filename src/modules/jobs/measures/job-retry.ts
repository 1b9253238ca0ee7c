import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { formatDuration } from '../../../kernel/duration.ts'
import { type Measure, measure } from '../../../proof/measure.ts'
import type { Queues } from '../queues.ts'
import { JITTER, type JobSettings } from '../settings.ts'
import type { Trial } from '../trial.ts'

interface Retrying {
  attempts: number
  /** Milliseconds. */
  firstDelay: number
}

/** How much later (ms) than planned a busy machine may begin an attempt. */
const LATE = 2_000
const LOOK_AGAIN = 50

/** CAST-62. Jobs that fail, in queues of the probe's own with the settings that are in force. */
export function jobRetry(settings: JobSettings, openTrial: () => Promise<Trial>): Measure<Retrying> {
  const { attempts, firstDelay } = settings
  const pauses = Array.from({ length: attempts - 1 }, (_, i) => firstDelay * 2 ** i)
  return measure<Retrying>({
    key: 'job.retry',
    sources: ['CAST-62'],
    family: 'availability',
    maps: { gdpr: ['32(1)(b)'], iso27001: ['A.8.6', 'A.8.14'] },
    settings: { attempts, firstDelay },
    timeout: 60_000 + pauses.reduce((sum, pause) => sum + pause + LATE, 0),
    claim: {
      de: ({ attempts, firstDelay }) =>
        `Eine Aufgabe, die scheitert, wird nach immer längeren Pausen wiederholt (zuerst ${formatDuration(firstDelay, 'de')}, dann jeweils etwa doppelt so lang) und nach ${attempts} Versuchen zur Durchsicht zurückgelegt.`,
      en: ({ attempts, firstDelay }) =>
        `A job that fails is tried again after longer and longer pauses (first ${formatDuration(firstDelay, 'en')}, then about double each time) and set aside for review after ${attempts} attempts.`,
    },
    async prove({ check, positiveControl, signal }) {
      const trial = await openTrial()
      const began = new Map<string, number[]>()
      let failing = true
      const kind = 'probe.retry'
      try {
        await trial.work([
          {
            name: kind,
            data: z.string(),
            concurrency: 2,
            async run(name) {
              began.set(name, [...(began.get(name) ?? []), performance.now()])
              if (failing) throw new Error('The probe wants it to fail.')
            },
          },
        ])
        const add = (data: string, times?: number) =>
          trial.queues.add(kind, { tenant: null, data }, { attempts: times })
        const once = await add('once', 1)
        const often = await add('often')
        await untilDead(trial.queues, kind, [once, often], signal)
        const runs = (name: string) => began.get(name)?.length ?? 0
        positiveControl('attempts at a job that may be tried once only', 1, runs('once'))
        check('attempts at a job that always fails', attempts, runs('often'))
        for (const [i, pause] of pauses.entries()) {
          const [earlier = 0, later = 0] = began.get('often')?.slice(i, i + 2) ?? []
          const expected = `${pause * (1 - JITTER)} to ${pause} ms`
          check(`pause before attempt ${i + 2}`, expected, inTime(later - earlier, pause) || expected)
        }
        failing = false
        await trial.queues.retry(kind, often)
        while (runs('often') === attempts && !signal.aborted) await sleep(LOOK_AGAIN)
        check('attempts after somebody asked for another', attempts + 1, runs('often'))
        check('set aside after that one went well', [once], await deadIds(trial.queues, kind))
      } finally {
        await trial.close()
      }
    },
  })
}

/** What was seen instead, when a pause was not as planned. */
function inTime(seen: number, planned: number): string {
  const asPlanned = seen >= planned * (1 - JITTER) - 1 && seen <= planned + LATE
  return asPlanned ? '' : `${Math.round(seen)} ms`
}

const deadIds = async (queues: Queues, kind: string) => (await queues.dead(kind, 10)).map(({ id }) => id)

async function untilDead(
  queues: Queues,
  kind: string,
  ids: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    const dead = await deadIds(queues, kind)
    if (ids.every((id) => dead.includes(id))) return
    signal.throwIfAborted()
    await sleep(LOOK_AGAIN)
  }
}
