import { isIP } from 'node:net'
import { z } from 'zod'
import { pinSet } from './pins.ts'

const host = z
  .string()
  .regex(
    /^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/,
    'a host is a lower-case name without port, such as api.example.com',
  )
  .refine((name) => isIP(name) === 0 && !/(^|\.)[0-9]+$/.test(name), 'a host is a name, not an address')

/** Somebody who processes data for the deployment, and how they are reached. */
const subProcessor = z.object({
  name: z.string().min(1),
  purpose: z.string().min(1),
  /** ISO 3166-1 alpha-2 of the seat. */
  country: z.string().regex(/^[A-Z]{2}$/),
  hosts: z.array(host).min(1),
  port: z.number().int().min(1).max(65_535).default(443),
  /** Modules that may call them. */
  modules: z.array(z.string()).min(1),
  /** What its hosts must show beside a valid certificate. */
  pins: pinSet.optional(),
})

/** The register: what is not in it is not reached. */
export const registerSchema = z.array(subProcessor)

export type Register = z.output<typeof registerSchema>

// The keys of authorities that these companies name as theirs; `register.test.ts` compares them with Node's own store.
// https://pki.goog/faq/: GTS Root R1, R3 and R4.
const GOOGLE_TRUST_SERVICES = [
  'hxqRlPTu1bMS/0DITB1SSu0vd4u/8l8TjPgfaAp63Gc=',
  'QXnt2YHvdHR3tJYmQIr0Paosp6t/nggsEGD4QJZ3Q0g=',
  'mEflZT5enoR1FuXLgYYGqnVEoZvmf9c2bVBpiOjYQ0c=',
]
// Apple's notice on the APNs certificate: USERTrust RSA; USERTrust ECC and Sectigo's successors as backups.
const USERTRUST_AND_SECTIGO = [
  'x4QzPSC810K5/cMjb05Qm4k3Bw5zBn4lTdO/nEW/Td4=',
  'ICGRfpgmOUXIWcQ/HXPLQTkFPEFPoDyjvH7ohhQpjzs=',
  'sLVjNUaFYfW7n6EtgBeEpjOlcnBdNPMrZDRF36iwBdE=',
  'Douxi77vs4G+Ib/BogbTFymEYq0QSFXwSgVCaZcI09Q=',
]

/** Whom a platform of this kind usually needs; a deployment lists its own. */
export const FIRST_REGISTER: z.input<typeof registerSchema> = [
  {
    name: 'Mollie B.V.',
    purpose: 'payments',
    country: 'NL',
    hosts: ['api.mollie.com'],
    modules: ['billing'],
  },
  {
    name: 'Apple Inc.',
    purpose: 'push to iOS',
    country: 'US',
    hosts: ['api.push.apple.com'],
    modules: ['push'],
    pins: { pins: USERTRUST_AND_SECTIGO, until: '2027-06-30' },
  },
  {
    name: 'Google LLC',
    purpose: 'push to Android',
    country: 'US',
    hosts: ['fcm.googleapis.com', 'oauth2.googleapis.com'],
    modules: ['push'],
    pins: { pins: GOOGLE_TRUST_SERVICES, until: '2027-06-30' },
  },
]

/** Whether the register leads to `host`:`port`, for `module` when one is named. */
export function isRegistered(register: Register, host: string, port: number, module?: string): boolean {
  return register.some(
    (entry) =>
      entry.hosts.includes(host) &&
      entry.port === port &&
      (module === undefined || entry.modules.includes(module)),
  )
}

/** The keys agreed for `host`; empty where none were. */
export const pinsOf = (register: Register, host: string): readonly string[] =>
  register.flatMap(({ hosts, pins }) => (hosts.includes(host) ? (pins?.pins ?? []) : []))

/** Names of those whose pins end within `ahead` milliseconds of `now`, or have ended. */
export const pinsToRenew = (register: Register, now: Date, ahead: number): string[] =>
  register
    .filter(({ pins }) => pins && Date.parse(pins.until) - now.getTime() < ahead)
    .map(({ name }) => name)
