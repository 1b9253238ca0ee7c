import assert from 'node:assert/strict'
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, it } from 'node:test'
import { z } from 'zod'
import { type TestPlatform, testPlatform } from '../../../test/support/platform.ts'
import { systemClock } from '../../kernel/clock.ts'
import { newId } from '../../kernel/ids.ts'
import { authorityFile, keepLocalAuthority, openLocalAuthority } from '../edge/index.ts'
import { openDataKeys } from './dataKeys.ts'
import { vault } from './index.ts'
import { openMasterKeys } from './masterKeys.ts'
import { transitKms, transitSettings } from './transitKms.ts'

const TOKEN = `hvs.${newId()}`

let platform: TestPlatform
let folder: string
let server: Server
before(async () => {
  platform = await testPlatform([vault])
  folder = mkdtempSync(join(tmpdir(), 'transit-'))
  await keepLocalAuthority(folder)
  const certificate = await openLocalAuthority(folder).certificateFor('localhost')
  server = createServer({ key: certificate.key, cert: certificate.cert }, transitPeer()).listen(
    0,
    '127.0.0.1',
  )
  await once(server, 'listening')
})
after(async () => {
  server?.close()
  await platform?.stop()
  rmSync(folder, { recursive: true, force: true })
})

interface Key {
  type: string
  versions: Buffer[]
}

const Encrypt = z.strictObject({
  plaintext: z.base64(),
  associated_data: z.base64(),
  key_version: z.int().optional(),
})
const Decrypt = z.strictObject({ ciphertext: z.string(), associated_data: z.base64() })

/**
 * A peer that keeps to the documented HTTP API of the transit secrets engine (read and rotate a key, encrypt, decrypt
 * with associated data) and refuses everything else, in place of a HashiCorp Vault or OpenBao server.
 */
function transitPeer() {
  const keys = new Map<string, Key>([
    ['surety', { type: 'aes256-gcm96', versions: [randomBytes(32)] }],
    ['unbound', { type: 'rsa-4096', versions: [randomBytes(32)] }],
  ])
  const answers: Record<string, (key: Key, body: unknown) => [number, unknown]> = {
    'GET keys': ({ type, versions }) => [
      200,
      {
        data: { type, latest_version: versions.length, min_decryption_version: 1, min_available_version: 0 },
      },
    ],
    'POST rotate': ({ versions }) => {
      versions.push(randomBytes(32))
      return [200, { data: {} }]
    },
    'POST encrypt': ({ versions }, body) => {
      const { plaintext, associated_data: aad, key_version: version = versions.length } = Encrypt.parse(body)
      const iv = randomBytes(12)
      const cipher = createCipheriv('aes-256-gcm', versions[version - 1] as Buffer, iv)
      cipher.setAAD(Buffer.from(aad, 'base64'))
      const text = [iv, cipher.update(Buffer.from(plaintext, 'base64')), cipher.final(), cipher.getAuthTag()]
      return [
        200,
        {
          data: {
            ciphertext: `vault:v${version}:${Buffer.concat(text).toString('base64')}`,
            key_version: version,
          },
        },
      ]
    },
    'POST decrypt': ({ versions }, body) => {
      const { ciphertext, associated_data: aad } = Decrypt.parse(body)
      const [, version, text] = /^vault:v(\d+):(.+)$/.exec(ciphertext) ?? []
      const key = versions[Number(version) - 1]
      if (!key) return [400, { errors: ['invalid ciphertext: version is not available'] }]
      const bytes = Buffer.from(text ?? '', 'base64')
      const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, 12))
      decipher.setAAD(Buffer.from(aad, 'base64')).setAuthTag(bytes.subarray(-16))
      try {
        const plain = Buffer.concat([decipher.update(bytes.subarray(12, -16)), decipher.final()])
        return [200, { data: { plaintext: plain.toString('base64') } }]
      } catch {
        return [400, { errors: ['cipher: message authentication failed'] }]
      }
    },
  }
  return async (
    request: import('node:http').IncomingMessage,
    response: import('node:http').ServerResponse,
  ) => {
    const text = Buffer.concat(await request.toArray()).toString()
    const [, , mount, verb, name = '', last] = (request.url ?? '').split('/')
    const key = keys.get(name)
    const answer = answers[`${request.method} ${last ?? verb}`]
    const [status, body] =
      request.headers['x-vault-token'] !== TOKEN
        ? [403, { errors: ['permission denied'] }]
        : mount !== 'transit' || !key || !answer
          ? [404, { errors: [] }]
          : answer(key, text === '' ? undefined : JSON.parse(text))
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  }
}

function kms({ key = 'surety', token = TOKEN, ca = authorityFile(folder) } = {}) {
  const tokenFileName = join(folder, newId())
  writeFileSync(tokenFileName, token, { mode: 0o600 })
  const { port } = server.address() as AddressInfo
  return transitKms(
    transitSettings.parse({ address: `https://localhost:${port}`, key, tokenFileName, caFileName: ca }),
  )
}

it('data keys are wrapped, opened, rotated and rewrapped by a transit engine', async () => {
  const options = {
    database: platform.stores.keys,
    kms: kms(),
    ring: newId(),
    clock: systemClock,
    usesPerKey: 2 ** 31,
  }
  const master = openMasterKeys(options)
  await master.check()
  const tenant = newId()
  const first = await openDataKeys(options).forWriting(tenant)
  assert.equal(await master.rotate(), 2)
  const second = await openDataKeys(options).forWriting(tenant)
  assert.deepEqual([first.version, second.version], [1, 2])
  await master.rewrap(() => undefined)
  assert.deepEqual((await openDataKeys(options).byId(tenant, first.id))?.key, first.key)
  const rows = await platform.stores.keys.query<{ wrapped: string }>(
    'SELECT wrapped FROM vault.data_key WHERE tenant_id = $1',
    [tenant],
  )
  assert.ok(rows.every(({ wrapped }) => wrapped.startsWith('vault:v2:')))
})

it('a wrapped key does not open in another context', async () => {
  const wrapped = await kms().wrap(1, randomBytes(32), 'one')
  assert.equal(await kms().unwrap(wrapped, 'another'), null)
  assert.equal((await kms().unwrap(wrapped, 'one'))?.length, 32)
})

it('a server that refuses, is another, or has an unfit key is no key server', async () => {
  await assert.rejects(kms({ token: 'wrong' }).provide(1), { code: 'master-key-missing' })
  await assert.rejects(kms({ key: 'missing' }).provide(1), { code: 'master-key-missing' })
  await assert.rejects(kms({ key: 'unbound' }).provide(1), { code: 'master-key-invalid' })
  const elsewhere = mkdtempSync(join(folder, 'other-'))
  await keepLocalAuthority(elsewhere)
  assert.notEqual(readFileSync(authorityFile(elsewhere), 'utf8'), readFileSync(authorityFile(folder), 'utf8'))
  await assert.rejects(kms({ ca: authorityFile(elsewhere) }).provide(1), { code: 'master-key-missing' })
  assert.equal(
    transitSettings.safeParse({ address: 'http://localhost', key: 'k', tokenFileName: 'f' }).success,
    false,
  )
})
