import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, before, it } from 'node:test'
import { SMTPServer } from 'smtp-server'
import { type TestPlatform, testPlatform } from '../../../test/support/platform.ts'
import { authorityFile, keepLocalAuthority, openLocalAuthority } from '../edge/index.ts'
import { type IdentityApi, identity } from './index.ts'
import { tenantRealm } from './realm.ts'

const folder = mkdtempSync(join(tmpdir(), 'alarm-'))
let platform: TestPlatform
let server: SMTPServer
before(async () => {
  await keepLocalAuthority(folder)
  const certificate = await openLocalAuthority(folder).certificateFor('localhost')
  server = new SMTPServer({
    ...certificate,
    authOptional: true,
    onData(stream, session, done) {
      const to = session.envelope.rcptTo.map(({ address }) => address)
      text(stream).then((body) => {
        server.emit('mail', { to, body, secure: session.secure })
        done()
      }, done)
    },
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  const { port } = server.server.address() as AddressInfo
  platform = await testPlatform([identity], {
    mail: { host: 'localhost', port, caFileName: authorityFile(folder) },
  })
})
after(async () => {
  await platform?.stop()
  await new Promise<void>((closed) => server.close(() => closed()))
  rmSync(folder, { recursive: true })
})

it('tells the member by mail, over TLS, when a session was ended as stolen', async () => {
  const { people, sessions } = platform.api('identity') as IdentityApi
  const realm = tenantRealm(await platform.makeTenant('rows'))
  const id = await people.add(realm, {
    email: 'mia@example.org',
    name: 'Mia',
    role: 'reader',
    password: null,
  })
  const { refresh } = await sessions.begin(
    realm,
    { id, password: null },
    { device: 'test', factors: ['pwd'] },
  )
  const arrived = once(server, 'mail')
  await sessions.refresh(realm, refresh)
  for (let n = 0; n < 2; n += 1) await sessions.refresh(realm, refresh)
  await assert.rejects(sessions.refresh(realm, refresh), { code: 'sign-in-refused' })
  const [mail] = await arrived
  assert.deepEqual([mail.to, mail.secure], [['mia@example.org'], true])
  assert.match(mail.body.replaceAll('=\r\n', ''), /sign-in token was used again/)
})
