import { call } from './call.ts'

/** Whether this browser has passkeys and speaks of them in JSON (WebAuthn level 3 §5.1). */
export const hasPasskeys: boolean =
  typeof PublicKeyCredential === 'function' && 'parseRequestOptionsFromJSON' in PublicKeyCredential

/** Makes a passkey and adds it; gives recovery codes when it is the first second factor. */
export async function addPasskey(name: string): Promise<string[] | null> {
  const options = await call('POST /api/v1/auth/passkeys/options')
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options)
  const response = asJson(await navigator.credentials.create({ publicKey }))
  return (await call('POST /api/v1/auth/passkeys', { body: { name, response } })).recoveryCodes
}

/** Shows a passkey as second factor. */
export async function showPasskey(): Promise<void> {
  const response = await choose(await call('POST /api/v1/auth/passkey/options'))
  await call('POST /api/v1/auth/passkey', { body: { response } })
}

/** Signs in by a passkey alone. */
export async function signInByPasskey(): Promise<void> {
  const response = await choose(await call('POST /api/v1/auth/passkey/sign-in/options'))
  await call('POST /api/v1/auth/passkey/sign-in', { body: { response } })
}

async function choose(options: PublicKeyCredentialRequestOptionsJSON): Promise<unknown> {
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options)
  return asJson(await navigator.credentials.get({ publicKey }))
}

const asJson = (credential: Credential | null): unknown => (credential as PublicKeyCredential).toJSON()
