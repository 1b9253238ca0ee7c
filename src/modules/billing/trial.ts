import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Agent, fetch } from 'undici'
import { authorityFile, keepLocalAuthority, openLocalAuthority } from '../edge/index.ts'
import { type Mollie, openMollie } from './mollie.ts'
import { type MolliePeer, openMolliePeer } from './peer.ts'

const NAME = 'mollie.canary.invalid'
const KEY = 'test_AKeyThatOpensNothingAtAll'

/** Runs `work` with a Mollie of the probe's own and a client that trusts its certificate. */
export async function withMolliePeer<T>(work: (mollie: Mollie, peer: MolliePeer) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'surety-mollie-'))
  try {
    await keepLocalAuthority(folder)
    const ca = await readFile(authorityFile(folder), 'utf8')
    const leaf = await openLocalAuthority(folder).certificateFor(NAME)
    const peer = await openMolliePeer({ key: KEY, leaf })
    // Straight to the peer and nowhere else: it is on this machine.
    const dispatcher = new Agent({ connect: { ca, servername: NAME } })
    try {
      const apiUrl = `https://127.0.0.1:${peer.port}`
      const client = openMollie({
        key: KEY,
        mode: 'test',
        apiUrl,
        fetch: (_purpose, url, init) => fetch(url, { ...init, dispatcher }),
      })
      return await work(client, peer)
    } finally {
      await dispatcher.close()
      await peer.close()
    }
  } finally {
    await rm(folder, { recursive: true })
  }
}
