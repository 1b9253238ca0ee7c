import { randomBytes, webcrypto, X509Certificate } from 'node:crypto'
import { chmodSync, existsSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { keepSecret, readSecret } from '../../data/secrets.ts'

const NAME = 'local-authority'
const KEY = { name: 'ECDSA', namedCurve: 'P-256' }
const SIGNING = { name: 'ECDSA', hash: 'SHA-256' }
const DAY = 86_400_000
const AUTHORITY_DAYS = 3650
const LEAF_DAYS = 90

/** PEM. */
export interface Certificate {
  key: string
  cert: string
}

/** The certificate authority of one machine, for development: browsers trust it once its certificate is imported. */
export interface LocalAuthority {
  /** A certificate for exactly `host`, made at its first use; the authority's key never leaves the process. */
  certificateFor(host: string): Promise<Certificate>
}

/** The file to import into a browser, beside the secrets. */
export const authorityFile = (secrets: string): string => join(secrets, 'local-authority.crt')

/** Makes the machine's authority when it is not there. Processes that do so at once end up with the same one. */
export async function keepLocalAuthority(secrets: string): Promise<void> {
  if (existsSync(authorityFile(secrets))) return
  const fresh = existsSync(join(secrets, NAME)) ? '' : await makeAuthority()
  const [, certificate = ''] = parts(keepSecret(secrets, NAME, () => fresh))
  publish(authorityFile(secrets), certificate)
}

/** Opens the authority that `keepLocalAuthority` made. */
export function openLocalAuthority(secrets: string): LocalAuthority {
  const [key = '', certificate = ''] = parts(readSecret(join(secrets, NAME)))
  const made = new Map<string, { leaf: Promise<Certificate>; until: number }>()
  return {
    certificateFor(host) {
      const known = made.get(host)
      if (known && known.until > Date.now()) return known.leaf
      const leaf = makeLeaf(host, key, certificate)
      made.set(host, { leaf, until: Date.now() + (LEAF_DAYS / 2) * DAY })
      leaf.catch(() => made.delete(host))
      return leaf
    },
  }
}

const parts = (pem: string): string[] => pem.split(/(?=-----BEGIN CERTIFICATE)/)

/** The library and the reflection it wants are loaded only where certificates are really made. */
async function loadX509() {
  await import('reflect-metadata')
  return import('@peculiar/x509')
}

async function makeAuthority(): Promise<string> {
  const x509 = await loadX509()
  const keys = await webcrypto.subtle.generateKey(KEY, true, ['sign', 'verify'])
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: `CN=Surety local authority ${randomBytes(3).toString('hex')}`,
    ...validity(AUTHORITY_DAYS),
    signingAlgorithm: SIGNING,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  return `${await privatePem(keys.privateKey)}${certificate.toString('pem')}\n`
}

async function makeLeaf(host: string, authorityKey: string, authority: string): Promise<Certificate> {
  const x509 = await loadX509()
  const keys = await webcrypto.subtle.generateKey(KEY, true, ['sign', 'verify'])
  const pkcs8 = Buffer.from(authorityKey.replace(/-----[A-Z ]+-----|\s/g, ''), 'base64')
  const certificate = await x509.X509CertificateGenerator.create({
    subject: `CN=${host.slice(0, 64)}`,
    issuer: new X509Certificate(authority).subject,
    ...validity(LEAF_DAYS),
    signingAlgorithm: SIGNING,
    publicKey: keys.publicKey,
    signingKey: await webcrypto.subtle.importKey('pkcs8', pkcs8, KEY, false, ['sign']),
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension([{ type: 'dns', value: host }]),
      await x509.AuthorityKeyIdentifierExtension.create(new x509.X509Certificate(authority)),
    ],
  })
  return { key: await privatePem(keys.privateKey), cert: certificate.toString('pem') }
}

/** A day of grace for clocks that are behind. */
function validity(days: number): { notBefore: Date; notAfter: Date } {
  return { notBefore: new Date(Date.now() - DAY), notAfter: new Date(Date.now() + days * DAY) }
}

async function privatePem(key: webcrypto.CryptoKey): Promise<string> {
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', key)).toString('base64')
  return `-----BEGIN PRIVATE KEY-----\n${der.replace(/.{64}/g, '$&\n')}\n-----END PRIVATE KEY-----\n`
}

function publish(file: string, certificate: string): void {
  const draft = `${file}.${process.pid}`
  writeFileSync(draft, certificate, { flush: true })
  chmodSync(draft, 0o644)
  renameSync(draft, file)
}
