import type { Stores } from '../../data/index.ts'
import { databases } from '../../data/roles.ts'
import { type SqlAddress, type SqlClient, withConnection } from '../../data/sql.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { Log } from '../../kernel/log.ts'
import type { ProofApi } from '../../proof/api.ts'
import { leafHash, rootHash } from '../../proof/evidence/merkle.ts'
import { memoryReader } from '../../proof/evidence/verifyLog.ts'
import type { TenancyApi } from '../tenancy/index.ts'
import { type CaptureState, joinStates, readCapture } from './capture.ts'
import { sealStore } from './sealStore.ts'

/** Under which subject rounds stand in the evidence log. */
export const ROUNDS = 'audit-seal'

/** Serialises rounds; the number only has to be the same everywhere. */
const ROUND_LOCK = 821_912_304

/** A leaf of the evidence log: what was sealed in one round, and whether changes are being captured. */
export interface RoundRecord {
  kind: typeof ROUNDS
  round: number
  at: string
  /** RFC 6962 root over the seals of the round, hex; null for a heartbeat without any. */
  root: string | null
  /** Of every captured table of every store; only in heartbeats. */
  capture: CaptureState | null
}

/** A seal as a round covers it. */
export interface RoundSeal {
  store: string
  batch: number
  entries: number
  root: Buffer
}

/** What a round works with. */
export interface Sealing {
  sealer: NonNullable<Stores['sealer']>
  address: SqlAddress
  tenancy: Pick<TenancyApi, 'list'>
  proof: ProofApi
  clock: Clock
  log: Log
  /** Checks the seals of actors. */
  key: Uint8Array
  /** Milliseconds between heartbeats. */
  heartbeat: number
}

/** A database with a trail, and the name that it has in rounds. */
export interface TrailStore {
  name: string
  database: string
}

/** The deployment's own. */
export const CONTROL: TrailStore = { name: 'control', database: databases.control }

/** Every database with a trail. A tenant's own is named by the tenant's id. */
export async function trailStores(tenancy: Pick<TenancyApi, 'list'>): Promise<TrailStore[]> {
  const own = (await tenancy.list()).filter(({ model }) => model === 'database')
  return [
    CONTROL,
    { name: 'pool', database: databases.pool },
    ...own.map(({ id, slug }) => ({ name: id, database: slug })),
  ]
}

/**
 * One round: seals what is new in every store, then puts all new seals under one leaf of the evidence log, together with a
 * heartbeat when one is due. A store that cannot be reached is left for the next round. One round at a time, in whatever
 * process. Killed anywhere, the next round carries on: a seal that no leaf covers yet is found again. Returns how many
 * entries were sealed.
 */
export async function sealRound(sealing: Sealing): Promise<number> {
  return sealing.sealer.transaction(async (client) => {
    await client.query('SET LOCAL idle_in_transaction_session_timeout = 0; SET LOCAL statement_timeout = 0')
    await client.query('SELECT pg_advisory_xact_lock($1)', [ROUND_LOCK])
    const due = await isHeartbeatDue(sealing)
    const fresh: RoundSeal[] = []
    const states: CaptureState[] = []
    let sealed = 0
    for (const store of await trailStores(sealing.tenancy)) {
      await inStore(sealing, store, async (inside) => {
        for (let more = 1; more > 0; sealed += more) more = await sealStore(inside, sealing.key)
        fresh.push(...(await uncovered(client, inside, store.name)))
        if (due) states.push(await readCapture(inside))
      }).catch((error: unknown) => sealing.log.error({ err: error, store: store.name }, 'trail not sealed'))
    }
    if (fresh.length > 0 || due) await appendRound(client, sealing, fresh, due ? joinStates(states) : null)
    return sealed
  })
}

async function appendRound(
  client: SqlClient,
  { proof, clock }: Sealing,
  seals: readonly RoundSeal[],
  capture: CaptureState | null,
): Promise<void> {
  const round = await nextRound(client, proof)
  for (const { store, batch, entries, root } of seals)
    await client.query(
      'INSERT INTO audit.round_seal (store, batch, entries, root, round) VALUES ($1, $2, $3, $4, $5)',
      [store, batch, entries, root, round],
    )
  const root = seals.length === 0 ? null : (await rootOfRound(seals)).toString('hex')
  const record: RoundRecord = { kind: ROUNDS, round, at: clock.now().toISOString(), root, capture }
  await proof.append(client, ROUNDS, record)
}

/** The root over the seals of a round, in the order of store and batch. */
export async function rootOfRound(seals: readonly RoundSeal[]): Promise<Buffer> {
  const ordered = seals.toSorted((a, b) =>
    a.store === b.store ? a.batch - b.batch : a.store < b.store ? -1 : 1,
  )
  const leaves = ordered.map(({ store, batch, entries, root }) =>
    leafHash(Buffer.from(JSON.stringify([store, batch, entries, root.toString('hex')]))),
  )
  return rootHash(leaves.length, memoryReader(leaves))
}

function inStore<T>(
  { address }: Sealing,
  { database }: TrailStore,
  work: (client: SqlClient) => Promise<T>,
): Promise<T> {
  return withConnection({ ...address, database }, work)
}

async function isHeartbeatDue({ proof, clock, heartbeat }: Sealing): Promise<boolean> {
  const records = await proof.records<RoundRecord>(ROUNDS, 200)
  const last = records.find(({ record }) => record.capture !== null)
  return !last || clock.now().getTime() - Date.parse(last.record.at) >= heartbeat
}

/** Seals of the store that `inside` is connected to and that no round covers yet. */
async function uncovered(control: SqlClient, inside: SqlClient, store: string): Promise<RoundSeal[]> {
  const known = await control.query<{ batch: string }>(
    'SELECT coalesce(max(batch), 0) AS batch FROM audit.round_seal WHERE store = $1',
    [store],
  )
  const { rows } = await inside.query<{ batch: string; entries: number; root: Buffer }>(
    'SELECT batch, cardinality(ids) AS entries, root FROM audit.seal WHERE batch > $1 ORDER BY batch',
    [known.rows[0]?.batch],
  )
  return rows.map(({ batch, entries, root }) => ({ store, batch: Number(batch), entries, root }))
}

async function nextRound(client: SqlClient, proof: ProofApi): Promise<number> {
  const { rows } = await client.query<{ round: string }>(
    'SELECT coalesce(max(round), 0) AS round FROM audit.round_seal',
  )
  const [newest] = await proof.records<RoundRecord>(ROUNDS, 1)
  return Math.max(Number(rows[0]?.round), newest?.record.round ?? 0) + 1
}

/**
 * Lets go of sealed entries that are older than `keepFor` (ms), in every store. Their hashes stay, so that a verification
 * sees that nothing else is missing. Returns how many.
 */
export async function expireEntries(sealing: Sealing, keepFor: number): Promise<number> {
  const before = new Date(sealing.clock.now().getTime() - keepFor)
  let gone = 0
  for (const store of await trailStores(sealing.tenancy))
    gone += await inStore(sealing, store, async (client) => {
      for (let all = 0; ; ) {
        const { rows } = await client.query<{ n: string }>('SELECT audit.expire($1) AS n', [before])
        const n = Number(rows[0]?.n)
        all += n
        if (n === 0) return all
      }
    }).catch((error: unknown) => {
      sealing.log.error({ err: error, store: store.name }, 'old entries not removed')
      return 0
    })
  return gone
}
