import { after, before, it } from 'node:test'
import { decodeJwt } from 'jose'
import { type TestPlatform, testPlatform } from '../../../../test/support/platform.ts'
import { proveBySabotage } from '../../../../test/support/sabotage.ts'
import type { ProofApi } from '../../../proof/api.ts'
import { proof } from '../../../proof/index.ts'
import { type HostileIssuer, openHostileIssuer } from '../hostileIssuer.ts'
import { type IdentityApi, identity } from '../index.ts'
import type { Sso } from '../sso.ts'

let platform: TestPlatform
let issuer: HostileIssuer
before(async () => {
  issuer = await openHostileIssuer(() => Math.floor(Date.now() / 1000))
  const sso = [{ name: 'local', issuer: issuer.url, clientId: 'surety' }]
  platform = await testPlatform([proof, identity], { identity: { sso } })
})
after(async () => {
  await platform?.stop()
  await issuer?.close()
})

/** Takes the ID token of whatever comes back, as one is tempted to. */
function careless(sso: Sso, issuers: readonly string[]): Sso {
  return {
    ...sso,
    async begin(realm, provider, back, errand) {
      const begun = await sso.begin(realm, provider, back, errand)
      const url = new URL(begun.url)
      url.searchParams.set('code_challenge', '47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU') // of an empty verifier
      return { ...begun, url: url.href }
    },
    async finish(_realm, _provider, returned) {
      const body = new URLSearchParams({ code: returned.searchParams.get('code') ?? '', code_verifier: '' })
      const answer = await fetch(`${issuers[0]}/token`, { method: 'POST', body })
      const { id_token: token } = (await answer.json()) as { id_token: string }
      const { iss, sub } = decodeJwt(token)
      const known = { verifiedEmail: null, factors: ['sso'], authenticatedAt: null }
      return { who: { issuer: String(iss), subject: String(sub), ...known }, session: null, next: '/' }
    },
  }
}

it('auth.sso goes red when ID tokens are read but not verified', () => {
  const { sso } = platform.api('identity') as IdentityApi
  const { among } = sso
  return proveBySabotage(platform.api('proof') as ProofApi, 'auth.sso', {
    async sabotage() {
      sso.among = (providers) =>
        careless(
          among(providers),
          providers.map(({ issuer: url }) => url),
        )
    },
    async repair() {
      sso.among = among
    },
    seen: /an ID token for another audience/,
  })
})
