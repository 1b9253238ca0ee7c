import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type JsonWebKey,
  type KeyObject,
} from 'node:crypto'
import { calculateJwkThumbprint, type JWK } from 'jose'
import type { Stores } from '../../data/index.ts'
import type { SqlClient } from '../../data/sql.ts'
import type { Clock } from '../../kernel/clock.ts'
import { defineProblem } from '../../kernel/problems.ts'
import { seal, unseal } from './seal.ts'

const underWay = defineProblem({
  code: 'rotation-under-way',
  status: 409,
  title: 'The keys are being rotated',
})

/** A key that signs, or signed, access tokens. */
export interface SigningKey {
  kid: string
  publicJwk: JWK
  publicKey: KeyObject
  signsFrom: Date
  droppedFrom: Date | null
  privateKey(): KeyObject
}

/** The keys of one deployment: the current one, the previous one while its tokens live, the next one ahead of its use. */
export interface KeyRing {
  signer(): SigningKey
  /** Every key that is accepted or will be soon, newest first. */
  accepted(): SigningKey[]
  /**
   * Publishes a new key now and lets it sign after `lead`; the one before is accepted until its last token has expired.
   * Throws a Problem `rotation-under-way` (409) while an earlier rotation is not over.
   */
  rotate(): Promise<string>
  /**
   * For a key that was stolen: refuses everything that it signed, here at once and elsewhere with the next reload. A new
   * key signs at once; its tokens may be refused elsewhere until then.
   */
  drop(kid: string): Promise<void>
  /** Reads what other processes changed. */
  reload(): Promise<void>
  /** Deletes the ring; only for one that nobody uses. */
  remove(): Promise<void>
}

export interface RingOptions {
  /** Its name; each ring is by itself. */
  ring: string
  control: Stores['control']
  sealKey: Uint8Array
  clock: Clock
  /** Milliseconds from publishing a key to signing by it: longer than any process takes to reload. */
  lead: number
  /** Milliseconds that a token lives, tolerance included. */
  tokenLife: number
}

/** Opens a ring; makes its first key when it has none. */
export async function openKeyRing(options: RingOptions): Promise<KeyRing> {
  const { ring, control, clock, lead, tokenLife } = options
  let keys: SigningKey[] = []
  const now = () => clock.now().getTime()
  const reload = async () => {
    const rows = await control.query<Row>(
      'SELECT * FROM identity.signing_key WHERE ring = $1 ORDER BY signs_from DESC, kid',
      [ring],
    )
    keys = rows.map((row) => readKey(row, options.sealKey))
  }
  const alone = (work: (client: SqlClient) => Promise<void>) =>
    control.transaction(async (client) => {
      await client.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [`key-ring ${ring}`])
      await work(client)
    })
  const add = async (lead: number, rotating: boolean) => {
    const key = await makeKey(options.sealKey)
    await alone(async (client) => {
      const from = now() + lead
      await client.query('DELETE FROM identity.signing_key WHERE ring = $1 AND dropped_from <= $2', [
        ring,
        clock.now(),
      ])
      const { rows } = await client.query<Row>('SELECT * FROM identity.signing_key WHERE ring = $1', [ring])
      if (rotating && rows.some((row) => row.dropped_from || row.signs_from > clock.now()))
        throw underWay('Wait until the previous key is no longer accepted.')
      if (!rotating && rows.some((row) => !row.dropped_from)) return
      await client.query(
        'UPDATE identity.signing_key SET dropped_from = $2 WHERE ring = $1 AND dropped_from IS NULL',
        [ring, new Date(from + tokenLife)],
      )
      await client.query(
        `INSERT INTO identity.signing_key (kid, ring, public_jwk, sealed_private, signs_from)
         VALUES ($1, $2, $3, $4, $5)`,
        [key.kid, ring, JSON.stringify(key.publicJwk), key.sealed, new Date(from)],
      )
    })
    await reload()
    return key.kid
  }
  await reload()
  if (!keys.some(({ droppedFrom }) => !droppedFrom)) await add(0, false)
  const accepted = () => keys.filter(({ droppedFrom }) => !droppedFrom || droppedFrom.getTime() > now())
  return {
    reload,
    accepted,
    signer() {
      const signer = accepted().find(({ signsFrom }) => signsFrom.getTime() <= now())
      if (!signer) throw new Error('No signing key is in force.')
      return signer
    },
    async remove() {
      await control.query('DELETE FROM identity.signing_key WHERE ring = $1', [ring])
    },
    rotate: () => add(lead, true),
    async drop(kid) {
      await control.query('DELETE FROM identity.signing_key WHERE ring = $1 AND kid = $2', [ring, kid])
      await add(0, false)
      await reload()
    },
  }
}

interface Row {
  kid: string
  public_jwk: JsonWebKey
  sealed_private: Buffer
  signs_from: Date
  dropped_from: Date | null
}

function readKey(row: Row, sealKey: Uint8Array): SigningKey {
  const publicKey = createPublicKey({ key: row.public_jwk, format: 'jwk' })
  if (publicKey.asymmetricKeyDetails?.namedCurve !== 'prime256v1')
    throw new Error(`Key ${row.kid} is not on P-256.`)
  let opened: KeyObject | undefined
  return {
    kid: row.kid,
    publicJwk: { ...(row.public_jwk as JWK), kid: row.kid, alg: 'ES256', use: 'sig' },
    publicKey,
    signsFrom: row.signs_from,
    droppedFrom: row.dropped_from,
    privateKey() {
      opened ??= createPrivateKey({
        key: unseal(row.sealed_private, sealKey, row.kid),
        format: 'der',
        type: 'pkcs8',
      })
      return opened
    },
  }
}

async function makeKey(sealKey: Uint8Array): Promise<{ kid: string; publicJwk: JWK; sealed: Buffer }> {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const publicJwk = publicKey.export({ format: 'jwk' }) as JWK
  const kid = await calculateJwkThumbprint(publicJwk) // RFC 7638: the name follows from the key
  return { kid, publicJwk, sealed: seal(privateKey.export({ format: 'der', type: 'pkcs8' }), sealKey, kid) }
}
