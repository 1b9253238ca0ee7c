import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, it } from 'node:test'
import { type TestPlatform, testPlatform } from '../../../../test/support/platform.ts'
import { proveBySabotage } from '../../../../test/support/sabotage.ts'
import type { ProofApi } from '../../../proof/api.ts'
import { proof } from '../../../proof/index.ts'
import { type MailApi, mail } from '../index.ts'
import { openPeer, type Peer, withCertificates } from '../peers.ts'

const folder = mkdtempSync(join(tmpdir(), 'mail-'))
let platform: TestPlatform
let provider: Peer
before(async () => {
  provider = await withCertificates(async ({ ca, leaf }) => {
    writeFileSync(join(folder, 'ca.pem'), ca)
    return openPeer(await leaf('localhost'))
  })
  const settings = { host: 'localhost', port: provider.port, caFileName: join(folder, 'ca.pem') }
  platform = await testPlatform([proof, mail], { mail: settings })
})
after(async () => {
  await platform?.stop()
  await provider?.close()
  rmSync(folder, { recursive: true })
})

const api = () => platform.api('mail') as MailApi

for (const { name, change, seen } of [
  { name: 'TLS is only used when offered', change: { requireTLS: false }, seen: /without STARTTLS|stripped/ },
  {
    name: 'old TLS is taken',
    change: { tls: { minVersion: 'TLSv1', ciphers: 'DEFAULT@SECLEVEL=0' } },
    seen: /TLS 1\.1 only/,
  },
  {
    name: 'any certificate is taken',
    change: { tls: { rejectUnauthorized: false } },
    seen: /another name|unknown/,
  },
]) {
  it(`smtp.starttls goes red when ${name}`, () => {
    const options = api().options as NonNullable<MailApi['options']>
    const whole = { ...options, tls: options.tls }
    return proveBySabotage(platform.api('proof') as ProofApi, 'smtp.starttls', {
      sabotage: async () => Object.assign(options, change, { tls: { ...options.tls, ...change.tls } }),
      repair: async () => Object.assign(options, whole),
      seen,
    })
  })
}

it('hands a message over, and says when it could not', async () => {
  const before = provider.received.length
  const message = { to: 'mia@example.org', subject: 'Hello', text: 'Hello' }
  assert.equal(await api().send(message), true)
  assert.deepEqual(provider.received.slice(before), ['a message over TLS'])
  const options = api().options as NonNullable<MailApi['options']>
  const { port } = options
  options.port = 1
  assert.equal(await api().send(message), false)
  options.port = port
})
