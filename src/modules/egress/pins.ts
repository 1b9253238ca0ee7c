import { createHash, X509Certificate } from 'node:crypto'
import type { DetailedPeerCertificate } from 'node:tls'
import { z } from 'zod'
import { defineProblem } from '../../kernel/problems.ts'

const wrongKey = defineProblem({
  code: 'egress-pin',
  status: 502,
  title: 'The server shows an unexpected key',
})

const pin = z
  .string()
  .regex(/^[A-Za-z0-9+/]{43}=$/, 'a pin is the base64 SHA-256 of a public key (SPKI, RFC 7469 §2.4)')

/** Which keys a host, or an authority that vouches for it, may show. */
export const pinSet = z.object({
  /** At least one is a backup that the host does not show today: without it a lost key would lock everybody out. */
  pins: z.array(pin).min(2),
  /** Until when they were agreed. They hold after it too: an alert goes out before. */
  until: z.iso.date(),
})

/** The leaf and what follows, as `getPeerCertificate(true)` gives it; empty when there is none. */
export type Shown = Partial<DetailedPeerCertificate>

/** Checks keys. A test may replace `judge`. */
export interface Pinning {
  /** Throws a Problem `egress-pin` (502) unless the leaf, or one that really vouches for it, has a pinned key. */
  judge(host: string, shown: Shown, pins: readonly string[]): void
}

/** SHA-256 of the certificate's SubjectPublicKeyInfo, base64. */
export function pinOf(certificate: X509Certificate): string {
  const spki = certificate.publicKey.export({ type: 'spki', format: 'der' })
  return createHash('sha256').update(spki).digest('base64')
}

export const openPinning = (): Pinning => ({
  judge(host, shown, pins) {
    if (!chainOf(shown).some((certificate) => pins.includes(pinOf(certificate))))
      throw wrongKey(`${host} shows a key that was not agreed. Nothing was sent.`)
  },
})

/** Most certificates looked at: what is sent in excess counts for nothing. */
const LONGEST = 8

/**
 * From the leaf up to the authority in our own store, which a server does not send; only as far as each is really signed
 * by the next, because a server may send any certificate along.
 */
function chainOf(shown: Shown): X509Certificate[] {
  if (!shown.raw) return []
  const chain = [new X509Certificate(shown.raw)]
  for (
    let next = shown.issuerCertificate;
    next?.raw && chain.length < LONGEST;
    next = next.issuerCertificate
  ) {
    const last = chain.at(-1) as X509Certificate
    const issuer = new X509Certificate(next.raw)
    if (issuer.fingerprint256 === last.fingerprint256) break
    if (!last.checkIssued(issuer) || !last.verify(issuer.publicKey)) break
    chain.push(issuer)
  }
  return chain
}
