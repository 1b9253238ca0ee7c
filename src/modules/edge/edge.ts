/** The deployment's own front door, as modules and probes see it. */
export interface EdgeApi {
  /** Host names without port. */
  trustHost: string
  adminHost: string
  /** Tenants answer at `<slug>.<baseDomain>`. */
  baseDomain: string
  /** HTTPS port, and the plain HTTP port that only redirects. */
  port: number
  httpPort: number
  /** `https://<host>[:port]` for links. */
  originOf(host: string): string
  /** One real HTTPS request to this deployment's own server on the loopback address; trusts only the deployment's CA. */
  request(options: FrontDoorRequest): Promise<FrontDoorAnswer>
}

export interface FrontDoorRequest {
  /** TLS server name and, unless `headers` has one, the Host header. */
  host: string
  /** Sent as is, so that attacks can be written down exactly. */
  path: string
  method?: string
  /** Raw header pairs; duplicates are sent. */
  headers?: readonly (readonly [string, string])[]
  body?: string | Uint8Array
}

export interface FrontDoorAnswer {
  status: number
  headers: Record<string, string | string[] | undefined>
  body: string
}
