import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { stores } from '../../data/index.ts'
import { keepSecret, readSecret } from '../../data/secrets.ts'
import { defineModule } from '../../kernel/module.ts'
import { authorityFile, type Certificate, keepLocalAuthority, openLocalAuthority } from './authority.ts'
import { makePass, PROBE_PASS, type ProbePass, readPass } from './probePass.ts'
import { type EdgeAnswer, type EdgeRequest, requestEdge } from './request.ts'
import { beginRequest, type Unfinished } from './unfinished.ts'

export { authorityFile, keepLocalAuthority, openLocalAuthority } from './authority.ts'
export type { ProbePass } from './probePass.ts'
export type { EdgeAnswer, EdgeRequest } from './request.ts'
export type { Unfinished } from './unfinished.ts'

/** The front door: where the deployment answers, by which names, with which certificates. */
export interface EdgeApi {
  trustHost: string
  adminHost: string
  bind: string
  /** HTTPS. */
  port: number
  /** Plain HTTP, which only redirects to HTTPS. */
  httpPort: number
  /** The port that a link to one of our hosts names: empty for 443, else such as `:8443`. */
  portInLinks: string
  /** What to import into a browser where no certificate is given; else undefined. */
  authorityFile: string | undefined
  /** Gives the certificate that answers for a host. */
  openCertificates(): Promise<(host: string) => Promise<Certificate>>
  /** Asks this deployment through its own front door, as any client would. */
  request(request: EdgeRequest): Promise<EdgeAnswer>
  /** Begins a request to the public site of the process at `port`; it is under way until it is finished. */
  begin(port: number): Promise<Unfinished>
  /** What a request of our own probes carries; undefined for everybody else's. */
  probePassOf(headers: Record<string, unknown>): ProbePass | undefined
}

const port = z.number().int().min(1).max(65_535)

const settings = z.object({
  /** Host names, without port. Tenants answer at the hosts of the tenant registry. */
  trustHost: z.string().default('trust.localhost'),
  adminHost: z.string().default('admin.localhost'),
  bind: z.string().default('127.0.0.1'),
  port: port.default(8443),
  httpPort: port.default(8080),
  /** Own certificate, both or none (PEM). Without, a local authority makes them: for development. */
  tlsKeyFileName: z.string().optional(),
  tlsCertificateFileName: z.string().optional(),
})

export type EdgeSettings = z.output<typeof settings>

/** Names, ports and certificates of the deployment. */
export const edge = defineModule({
  name: 'edge',
  needs: { stores },
  settings,
  contradictions(settings) {
    const { trustHost, adminHost, port, httpPort, tlsKeyFileName, tlsCertificateFileName } = settings
    const found = []
    if (trustHost === adminHost)
      found.push({
        settings: ['edge.trustHost', 'edge.adminHost'],
        why: 'the public site and the back-office need a host each.',
      })
    if (port === httpPort)
      found.push({ settings: ['edge.port', 'edge.httpPort'], why: 'HTTPS and HTTP need a port each.' })
    if (!tlsKeyFileName !== !tlsCertificateFileName)
      found.push({
        settings: ['edge.tlsKeyFileName', 'edge.tlsCertificateFileName'],
        why: 'a key and its certificate come together; give both or none.',
      })
    return found
  },
  async start({ settings, clock }, { stores }) {
    const { tlsKeyFileName, tlsCertificateFileName, ...door } = settings
    const own = tlsKeyFileName && tlsCertificateFileName
    if (!own) await keepLocalAuthority(stores.secrets)
    const file = own ? undefined : authorityFile(stores.secrets)
    const passSecret = keepSecret(stores.secrets, 'probe-pass')
    const api: EdgeApi = {
      ...door,
      portInLinks: door.port === 443 ? '' : `:${door.port}`,
      authorityFile: file,
      async openCertificates() {
        if (!own) return openLocalAuthority(stores.secrets).certificateFor
        const key = readSecret(tlsKeyFileName)
        const cert = readFileSync(tlsCertificateFileName, 'utf8')
        const certificate = { key, cert }
        return async () => certificate
      },
      request: ({ from = null, ...request }) =>
        requestEdge(
          { ...door, authorityFile: file },
          {
            ...request,
            headers: { ...request.headers, [PROBE_PASS]: makePass(passSecret, clock.now(), from) },
          },
        ),
      begin: (port) => beginRequest({ ...door, port, host: door.trustHost, authorityFile: file }),
      probePassOf: (headers) => readPass(passSecret, clock.now(), headers[PROBE_PASS]),
    }
    return { api }
  },
})
