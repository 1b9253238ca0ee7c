import { createHash, createPublicKey } from 'node:crypto'
import type { ProofApi } from '../src/proof/api.ts'
import { signCheckpoint, signerFromSeed, verifierKey } from '../src/proof/evidence/checkpoint.ts'
import {
  consistencyProof,
  inclusionProof,
  leafHash,
  rootHash,
  verifyConsistency,
} from '../src/proof/evidence/merkle.ts'
import { verifyBundle } from '../src/proof/evidence/verify.ts'
import { memoryReader, verifyLog } from '../src/proof/evidence/verifyLog.ts'
import { proof } from '../src/proof/index.ts'
import { testPlatform } from '../test/support/platform.ts'
import { compare, type Print, printFigures } from './compare.ts'

const RECORDS = 50_000

/** Appends to the log as it is stored, and what it costs anybody to verify it. */
export async function run(print: Print): Promise<void> {
  await appends(print)
  await verifications(print)
}

async function appends(print: Print): Promise<void> {
  const platform = await testPlatform([proof])
  try {
    const { sealer } = platform.stores
    const api = platform.api('proof') as ProofApi
    let n = 0
    const record = () => ({ kind: 'bench', n: n++, filler: 'x'.repeat(500) })
    const commit = () => sealer.transaction((client) => client.query('SELECT pg_advisory_xact_lock(1)'))
    const append = () => sealer.transaction((client) => api.append(client, 'bench', record()))
    const ten = () =>
      sealer.transaction(async (client) => {
        for (let i = 0; i < 10; i++) await api.append(client, 'bench', record())
      })
    printFigures(
      print,
      'append of one record of 500 bytes, signed, one at a time',
      await compare({ 'an empty transaction': commit, append, 'ten in one transaction': ten }, 1),
    )
  } finally {
    await platform.stop()
  }
}

async function verifications(print: Print): Promise<void> {
  const leaves = Array.from({ length: RECORDS }, (_, i) =>
    Buffer.from(JSON.stringify({ i, filler: 'x'.repeat(500) })),
  )
  const read = memoryReader(leaves.map(leafHash))
  const signer = signerFromSeed('log.example/x', createHash('sha256').digest())
  const root = await rootHash(RECORDS, read)
  const note = signCheckpoint({ origin: signer.name, size: RECORDS, root }, signer)
  const key = verifierKey(signer)
  const index = 12_345
  const bundle = JSON.stringify({
    format: 'surety-proof/1',
    index,
    entry: (leaves[index] as Buffer).toString('base64'),
    inclusion: (await inclusionProof(index, RECORDS, read)).map((hash) => hash.toString('base64')),
    checkpoint: note,
    logKey: key,
  })
  const from = { size: index, root: await rootHash(index, read) }
  const consistency = await consistencyProof(index, RECORDS, read)
  const der = createPublicKey(signer.key).export({ format: 'der', type: 'spki' })
  printFigures(
    print,
    `verification, in a log of ${RECORDS} records`,
    await compare(
      {
        'reading a public key, for comparison': async () =>
          createPublicKey({ key: der, format: 'der', type: 'spki' }),
        'a bundle, offline': async () => verifyBundle(bundle, key),
        'a consistency proof': async () => verifyConsistency(from, { size: RECORDS, root }, consistency),
      },
      1,
    ),
  )
  const began = performance.now()
  const { ok } = await verifyLog(async (path) => serve(path, note, leaves), key)
  const rate = Math.round((RECORDS / (performance.now() - began)) * 1000)
  print(`\nthe whole log: ${rate} records/s${ok ? '' : ', and it does not verify'}`)
}

function serve(path: string, note: string, leaves: readonly Buffer[]): Buffer {
  if (path === 'checkpoint') return Buffer.from(note)
  const digits = path
    .replace(/^tile\/entries\//, '')
    .replace(/\.p.*/, '')
    .replaceAll(/[x/]/g, '')
  const first = Number(digits) * 256
  const lengths = leaves.slice(first, first + 256)
  return Buffer.concat(lengths.flatMap((leaf) => [Buffer.of(leaf.length >> 8, leaf.length & 255), leaf]))
}
