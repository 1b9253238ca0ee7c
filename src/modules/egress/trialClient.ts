import { type EgressClient, type EgressParts, openEgressClient } from './client.ts'
import { openGate } from './decide.ts'

/** A server of a probe's own, on this machine. */
export interface TrialPeer {
  host: string
  port: number
  /** The module that may call it. */
  module: string
  /** PEM of the authority that vouches for it. */
  ca: string
  pins: readonly string[]
}

/** The client as it runs, but for whom it knows and trusts: it reaches `peer` and nobody else. */
export function trialClient(live: EgressParts, { host, port, module, ca, pins }: TrialPeer): EgressClient {
  return openEgressClient({
    ...live,
    gate: openGate({
      register: [{ name: 'peer', purpose: 'probe', country: 'DE', hosts: [host], port, modules: [module] }],
      allowedNetworks: ['127.0.0.1/32'],
      reportOnly: false,
      resolve: async () => ['127.0.0.1'],
    }),
    pinsOf: () => pins,
    socket: undefined, // the peer is in no register, so the proxy would not lead to it
    ca: [ca],
    record: () => undefined,
  })
}
