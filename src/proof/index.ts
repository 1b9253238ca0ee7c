import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import type { FastifyPluginAsync } from 'fastify'
import { z } from 'zod'
import { type Database, stores } from '../data/index.ts'
import type { SqlClient } from '../data/sql.ts'
import { defineModule } from '../kernel/module.ts'
import { defineProblem } from '../kernel/problems.ts'
import type { RouteGroup } from '../kernel/routes.ts'
import type { ProofApi } from './api.ts'
import { deriveHistory, deriveResult } from './deriveResult.ts'
import { openLogKeys } from './evidence/keys.ts'
import {
  appendEvidence,
  bundleEvidence,
  type Entry,
  findEvidence,
  isSealed,
  newestCheckpoint,
} from './evidence/log.ts'
import { leafHash } from './evidence/merkle.ts'
import type { Measure } from './measure.ts'
import type { MeasureResult } from './results.ts'
import { logRoutes } from './routes.ts'
import { runProbe } from './runProbe.ts'
import { pushCheckpoint } from './witness/push.ts'

const readOnly = defineProblem({
  code: 'proof-read-only',
  status: 500,
  title: 'This process cannot write evidence',
})
const unknownMeasure = defineProblem({ code: 'measure-unknown', status: 404, title: 'No such measure' })
const twice = defineProblem({ code: 'measure-twice', status: 500, title: 'Two measures have one key' })

/** Records that are no probe runs are shown to the witness within this time (ms). */
const PUSH_EVERY = 5_000

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
    /** Who remembers the log, so that nothing can be cut off it: `https://…`, or `unix:<socket>` on this machine. */
    witness: z
      .string()
      .regex(/^(https?:\/\/|unix:\/)\S+$/)
      .optional(),
    /** The file of its verifier key. */
    witnessKeyPath: z.string().optional(),
  }),
  contradictions: (own) =>
    (own.witness === undefined) === (own.witnessKeyPath === undefined)
      ? []
      : [
          {
            settings: ['proof.witness', 'proof.witnessKeyPath'],
            why: 'a witness is believed by its key: give both or none.',
          },
        ],
  migrations: { control: new URL('./evidence/migrations/', import.meta.url) },
  async start({ settings, clock, log, build }, { stores }) {
    const { control, sealer } = stores
    const keys = openLogKeys(stores.secrets, settings.origin, sealer !== null)
    const registered: Measure[] = []
    // The tree only grows, so what was once followed up to a signed root need not be again: its hash is remembered.
    const sealed = new Map<number, Buffer>()

    async function intact(entry: Entry): Promise<boolean> {
      const hash = leafHash(entry.leaf)
      if (sealed.get(entry.index)?.equals(hash)) return true
      const logKey = keys.verifier()
      const ok = logKey !== undefined && (await isSealed(control, logKey, entry))
      if (ok) sealed.set(entry.index, hash)
      return ok
    }
    async function resultOf(measure: Measure): Promise<MeasureResult> {
      const entries = await findEvidence(control, measure.key, LOOK_BACK)
      return deriveResult(measure, entries, entries[0] ? await intact(entries[0]) : true, clock.now())
    }
    const witness = witnessOf(settings)
    /** Never rejects: who appends does not depend on the witness. */
    const showWitness = async () => {
      if (!witness || !sealer) return
      const key = witness.key()
      if (!key) return log.warn({}, 'the witness has not shown its key yet')
      await pushCheckpoint(sealer, { ...witness, key }).catch((error: unknown) =>
        log.error({ err: error }, 'the witness did not cosign'),
      )
    }
    const pushing = witness && sealer ? setInterval(showWitness, PUSH_EVERY).unref() : undefined
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
      bundle: async (index) => bundleEvidence(control, keys.verifier() ?? '', index),
      async checkpoint() {
        const note = await newestCheckpoint(control)
        const logKey = keys.verifier()
        return note && logKey ? { note, logKey, witnessKey: witness?.key() ?? null } : null
      },
      async run(key) {
        const measure = find(key)
        if (!measure) throw unknownMeasure(`There is no measure "${key}".`)
        const { signer } = keys
        if (!sealer || !signer) throw readOnly("Run `surety prove` where the log's keys are.")
        return alone(sealer, key, async (client) => {
          const evidence = await runProbe(measure, { clock, log, build })
          await appendEvidence(client, signer, measure.key, evidence)
          return evidence
        }).finally(showWitness)
      },
      async append(client, subject, record) {
        if (!keys.signer) throw readOnly("Only a process that has the log's key appends to it.")
        return (await appendEvidence(client, keys.signer, subject, record)).index
      },
      async records<Kind extends { kind: string }>(subject: string, limit: number) {
        const entries = await findEvidence(control, subject, limit)
        return Promise.all(
          entries.map(async (entry) => ({
            index: entry.index,
            record: JSON.parse(entry.leaf.toString()) as Kind,
            intact: await intact(entry),
          })),
        )
      },
    }
    const routes: RouteGroup[] = [
      { audience: 'trust', plugin: logRoutes(control) as unknown as FastifyPluginAsync },
    ]
    return { api, routes, stop: async () => clearInterval(pushing) }
  },
})

/** The key is read when it is needed: a witness that starts beside us writes it a moment later. */
function witnessOf(settings: { witness?: string | undefined; witnessKeyPath?: string | undefined }) {
  const { witness, witnessKeyPath: file } = settings
  return witness && file
    ? { address: witness, key: () => (existsSync(file) ? readFileSync(file, 'utf8').trim() : undefined) }
    : undefined
}

function refuseDoubles(measures: readonly Measure[]): readonly Measure[] {
  const keys = measures.map(({ key }) => key)
  const double = keys.find((key, index) => keys.indexOf(key) !== index)
  if (double) throw twice(`Two modules give a measure "${double}".`)
  return measures
}

/** Two runs of one measure never overlap, in any process: both would plant and clean up the same things. */
function alone<T>(db: Database, key: string, work: (client: SqlClient) => Promise<T>): Promise<T> {
  const lock = createHash('sha256').update(key).digest().readInt32BE(0)
  return db.transaction(async (client) => {
    await client.query('SET LOCAL idle_in_transaction_session_timeout = 0')
    await client.query('SELECT pg_advisory_xact_lock(821912303, $1)', [lock])
    return work(client)
  })
}
