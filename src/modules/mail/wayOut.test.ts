import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, it } from 'node:test'
import { testPlatform } from '../../../test/support/platform.ts'
import type { EgressApi } from '../egress/index.ts'
import { pinOf } from '../egress/pins.ts'
import { type MailApi, mail } from './index.ts'
import { openPeer, type Peer, withCertificates } from './peers.ts'

const folder = mkdtempSync(join(tmpdir(), 'mail-way-out-'))
const message = { to: 'somebody@example.org', subject: 's', text: 't' }
let provider: Peer
let pins: string[]
before(async () => {
  await withCertificates(async ({ ca, leaf }) => {
    writeFileSync(join(folder, 'ca.pem'), ca)
    const [own, other] = [await leaf('localhost'), await leaf('other.invalid')]
    provider = await openPeer(own)
    pins = [own, other].map(({ cert }) => pinOf(new X509Certificate(cert)))
  })
})
after(async () => {
  await provider?.close()
  rmSync(folder, { recursive: true })
})

/** What became of a message, what the provider got, and what was decided. */
async function send(modules: string[], agreed: string[] | undefined) {
  provider.received.length = 0
  const { port } = provider
  const pinned = agreed ? { pins: { pins: agreed, until: '2099-01-01' } } : {}
  const register = [
    { name: 'Mail', purpose: 'mail', country: 'DE', hosts: ['localhost'], port, modules, ...pinned },
  ]
  const platform = await testPlatform([mail], {
    mail: { host: 'localhost', port, caFileName: join(folder, 'ca.pem') },
    egress: { register, allowedNetworks: ['127.0.0.0/8', '::1/128'] },
  })
  const sent = await (platform.api('mail') as MailApi).send(message)
  const { decisions } = (platform.api('egress') as EgressApi).parts
  const decided = decisions.recent(50).filter((one) => one.port === port && one.caller.startsWith('mail/'))
  await platform.stop()
  return [sent, provider.received, decided.length > 0]
}

const ARRIVED = ['a message over TLS']

it('a provider that is not in the register is reached directly', async () => {
  assert.deepEqual(await send(['billing'], undefined), [true, ARRIVED, false])
})

it('a registered provider is not reached when it shows another key', async () => {
  const [, another = ''] = pins
  assert.deepEqual(await send(['mail'], [another, another]), [false, [], true])
})

it('a registered provider is reached by the way out, by its key', async () => {
  assert.deepEqual(await send(['mail'], pins), [true, ARRIVED, true])
})
