import { createHash } from 'node:crypto'
import { z } from 'zod'
import { type Database, stores } from '../data/index.ts'
import { keepSecret } from '../data/secrets.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Log } from '../kernel/log.ts'
import { defineModule } from '../kernel/module.ts'
import { defineProblem } from '../kernel/problems.ts'
import type { ProofApi } from './api.ts'
import { deriveHistory, deriveResult } from './deriveResult.ts'
import { signerFromSeed, verifierKey } from './evidence/checkpoint.ts'
import {
  appendEvidence,
  bundleEvidence,
  findEvidence,
  matchesTree,
  newestCheckpoint,
} from './evidence/log.ts'
import type { Measure } from './measure.ts'
import type { MeasureResult } from './results.ts'
import { runProbe } from './runProbe.ts'

const readOnly = defineProblem({
  code: 'proof-read-only',
  status: 500,
  title: 'This process cannot write evidence',
})
const unknownMeasure = defineProblem({ code: 'measure-unknown', status: 404, title: 'No such measure' })
const twice = defineProblem({ code: 'measure-twice', status: 500, title: 'Two measures have one key' })

/** How many past runs are looked at for the last proof. */
const LOOK_BACK = 30

/** Runs probes, keeps their evidence, and says what stands. */
export const proof = defineModule({
  name: 'proof',
  needs: { stores },
  settings: z.object({
    /** The promised security page. */
    profile: z.string().default('demo'),
    /** Name of the evidence log, a schema-less URL. Changing it begins another log. */
    origin: z
      .string()
      .regex(/^[^\s+]+$/)
      .default('trust.localhost/evidence'),
  }),
  migrations: { control: new URL('./evidence/migrations/', import.meta.url) },
  async start({ settings, clock, log, build }, { stores }) {
    const { control, sealer } = stores
    const signer = signerFromSeed(settings.origin, Buffer.from(keepSecret(stores.secrets, 'log-key'), 'hex'))
    const logKey = verifierKey(signer)
    const registered: Measure[] = []

    async function resultOf(measure: Measure): Promise<MeasureResult> {
      const entries = await findEvidence(control, measure.key, LOOK_BACK)
      const intact = entries[0] ? await matchesTree(control, entries[0]) : true
      return deriveResult(measure, entries, intact, clock.now())
    }
    const find = (key: string) => registered.find((measure) => measure.key === key)

    const api: ProofApi = {
      register: (measures) => registered.push(...refuseDoubles(measures)),
      measures: () => registered,
      async results() {
        const measures = await Promise.all(registered.map(resultOf))
        const totals: Record<string, number> = {}
        for (const { outcome } of measures) totals[outcome] = (totals[outcome] ?? 0) + 1
        return {
          profile: settings.profile,
          checkpoint: (await newestCheckpoint(control)) ?? null,
          totals,
          measures,
        }
      },
      async result(key) {
        const measure = find(key)
        return measure && resultOf(measure)
      },
      history: async (key, limit) => (await findEvidence(control, key, limit)).map(deriveHistory),
      bundle: (index) => bundleEvidence(control, logKey, index),
      async checkpoint() {
        const note = await newestCheckpoint(control)
        return note ? { note, logKey } : null
      },
      async run(key) {
        const measure = find(key)
        if (!measure) throw unknownMeasure(`There is no measure "${key}".`)
        if (!sealer) throw readOnly("Run `surety prove` where the log's keys are.")
        return alone(sealer, key, () => proveAndAppend(sealer, measure, { clock, log, build }))
      },
    }

    async function proveAndAppend(
      db: Database,
      measure: Measure,
      context: { clock: Clock; log: Log; build: string },
    ) {
      const evidence = await runProbe(measure, context)
      await appendEvidence(db, signer, measure.key, evidence)
      return evidence
    }
    return { api }
  },
})

function refuseDoubles(measures: readonly Measure[]): readonly Measure[] {
  const keys = measures.map(({ key }) => key)
  const double = keys.find((key, index) => keys.indexOf(key) !== index)
  if (double) throw twice(`Two modules give a measure "${double}".`)
  return measures
}

/** Two runs of one measure never overlap, in any process: both would plant and clean up the same things. */
function alone<T>(db: Database, key: string, work: () => Promise<T>): Promise<T> {
  const lock = createHash('sha256').update(key).digest().readInt32BE(0)
  return db.transaction(async (client) => {
    await client.query('SET LOCAL idle_in_transaction_session_timeout = 0')
    await client.query('SELECT pg_advisory_xact_lock(821912303, $1)', [lock])
    return work()
  })
}
