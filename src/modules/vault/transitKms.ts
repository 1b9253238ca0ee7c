import { readFileSync } from 'node:fs'
import { type RequestOptions, request } from 'node:https'
import { z } from 'zod'
import { readSecret } from '../../data/secrets.ts'
import type { Kms } from './kms.ts'
import { masterKeyInvalid, masterKeyMissing } from './problems.ts'

/** A key of HashiCorp Vault's or OpenBao's transit engine. */
export const transitSettings = z.object({
  /** Such as `https://vault.internal:8200`; plain HTTP is refused. */
  address: z.url({ protocol: /^https$/ }),
  mount: z.string().default('transit'),
  /** Name of a key of type aes256-gcm96. */
  key: z.string(),
  tokenFileName: z.string(),
  /** CA certificate of a private authority. */
  caFileName: z.string().optional(),
})

type TransitSettings = z.output<typeof transitSettings>

/** How long (ms) an answer may take. */
const TIMEOUT = 5_000

const KeyAnswer = z.object({
  data: z.object({
    type: z.string(),
    latest_version: z.number().int(),
    min_decryption_version: z.number().int(),
  }),
})
const CiphertextAnswer = z.object({ data: z.object({ ciphertext: z.string() }) })
const PlaintextAnswer = z.object({ data: z.object({ plaintext: z.base64() }) })

/**
 * Master keys that never leave a HashiCorp Vault or OpenBao server, by the HTTP API of its transit secrets engine
 * (`/v1/<mount>/encrypt|decrypt|keys`). The context of a data key travels as `associated_data`.
 */
export function transitKms(settings: TransitSettings): Kms {
  const { mount, key } = settings
  const ask = openTransit(settings)
  const readKey = async () => KeyAnswer.parse((await ask('GET', `${mount}/keys/${key}`)).body).data
  const name = `${settings.address}/${mount}/${key}`

  return {
    kind: 'transit',
    async provide(version) {
      const before = await readKey()
      if (before.type !== 'aes256-gcm96')
        throw masterKeyInvalid(
          `${name} is of type ${before.type}; aes256-gcm96 is needed, which binds a context.`,
        )
      if (before.latest_version < version) await ask('POST', `${mount}/keys/${key}/rotate`, {})
      const { latest_version: latest } = await readKey()
      if (latest < version)
        throw masterKeyMissing(`${name} has no version ${version}; its newest is ${latest}.`)
      return name
    },
    async holds(version, fingerprint) {
      const { latest_version: latest, min_decryption_version: oldest } = await readKey()
      return fingerprint === name && oldest <= version && version <= latest
    },
    async wrap(version, plain, context) {
      const body = {
        plaintext: plain.toString('base64'),
        associated_data: base64(context),
        key_version: version,
      }
      const answer = await ask('POST', `${mount}/encrypt/${key}`, body)
      return CiphertextAnswer.parse(answer.body).data.ciphertext
    },
    async unwrap(wrapped, context) {
      const body = { ciphertext: wrapped, associated_data: base64(context) }
      const answer = await ask('POST', `${mount}/decrypt/${key}`, body, [400])
      if (answer.status === 400) return null
      return Buffer.from(PlaintextAnswer.parse(answer.body).data.plaintext, 'base64')
    },
  }
}

const base64 = (text: string): string => Buffer.from(text).toString('base64')

interface Answer {
  status: number
  body: unknown
}

type Ask = (
  method: 'GET' | 'POST',
  path: string,
  body?: object,
  allowed?: readonly number[],
) => Promise<Answer>

/** Asks the server. Throws Problem `master-key-missing` for a refusal or no answer, without what was sent. */
function openTransit(settings: TransitSettings): Ask {
  const ca = settings.caFileName ? readFileSync(settings.caFileName) : undefined
  const token = readSecret(settings.tokenFileName)
  return async (method, path, body, allowed = []) => {
    const url = new URL(`/v1/${path}`, settings.address)
    const options = { method, ca, timeout: TIMEOUT, headers: { 'x-vault-token': token } }
    const answer = await send(url, options, body).catch((cause: unknown) => {
      throw masterKeyMissing(`The key server at ${settings.address} does not answer.`, { cause })
    })
    if (answer.status < 300 || allowed.includes(answer.status)) return answer
    throw masterKeyMissing(`The key server at ${settings.address} answered ${answer.status} to ${path}.`)
  }
}

function send(url: URL, options: RequestOptions, body?: object): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const call = request(url, options, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString()
        resolve({ status: response.statusCode ?? 0, body: text === '' ? null : readJson(text) })
      })
    })
    call.on('timeout', () => call.destroy(new Error(`no answer within ${TIMEOUT} ms`)))
    call.on('error', reject)
    call.end(body && JSON.stringify(body))
  })
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
