import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { domainToASCII } from 'node:url'
import { isPublic, networks } from './networks.ts'
import { isRegistered, type Register } from './register.ts'

/** What was decided about one connection out. */
export interface Decision {
  /** Who asked, as far as they said: `module/tenant/purpose`. */
  caller: string
  host: string
  port: number
  /** The addresses that may be connected to; they were checked, and the name is not looked up again. */
  addresses: string[]
  verdict: 'allowed' | 'reported' | 'refused'
  reason:
    | 'registered'
    | 'not-registered'
    | 'other-module'
    | 'private-address'
    | 'unresolved'
    | 'malformed'
    | 'past-the-client'
}

/** All addresses of a name. */
export type Resolve = (host: string) => Promise<string[]>

export const resolveByDns: Resolve = async (host) =>
  (await lookup(host, { all: true })).map(({ address }) => address)

export interface Rules {
  register: Register
  /** CIDRs beside the internet that may be reached, such as a mail relay's. */
  allowedNetworks: readonly string[]
  /** What is not registered is only reported. Private addresses are refused all the same. */
  reportOnly: boolean
  resolve: Resolve
}

/** Decides about `target` (`host:port`) for `caller` (`module/tenant/purpose`, or `unnamed`). */
export interface Gate {
  /** By the register alone; `addresses` stays empty. */
  admit(target: string, caller: string): Decision
  /** Also by where the name leads. One private address among those of a name refuses it (DNS rebinding). */
  locate(target: string, caller: string): Promise<Decision>
}

/** Callers who name no module. */
export const UNNAMED = 'unnamed'

/** A gate that keeps to `rules`. */
export function openGate(rules: Rules): Gate {
  const allowed = networks(rules.allowedNetworks)
  const admit = (target: string, caller: string): Decision => {
    const { host, port } = parse(target)
    const decided = { caller, host, port, addresses: [] }
    if (!host || !(port > 0 && port < 65_536)) return { ...decided, verdict: 'refused', reason: 'malformed' }
    const module = caller === UNNAMED ? undefined : caller.split('/')[0]
    if (isRegistered(rules.register, host, port, module))
      return { ...decided, verdict: 'allowed', reason: 'registered' }
    const reason = isRegistered(rules.register, host, port) ? 'other-module' : 'not-registered'
    return { ...decided, verdict: rules.reportOnly ? 'reported' : 'refused', reason }
  }
  return {
    admit,
    async locate(target, caller) {
      const decision = admit(target, caller)
      if (decision.verdict === 'refused') return decision
      const { host } = decision
      const addresses = isIP(host) ? [host] : await rules.resolve(host).catch(() => [])
      if (addresses.length === 0) return { ...decision, verdict: 'refused', reason: 'unresolved' }
      if (!addresses.every((address) => isPublic(address) || allowed(address)))
        return { ...decision, verdict: 'refused', reason: 'private-address' }
      return { ...decision, addresses }
    },
  }
}

function parse(target: string): { host: string; port: number } {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:/?#@[\]]+)):(\d{1,5})$/.exec(target)
  if (!match) return { host: '', port: 0 }
  const [, literal, name = '', port] = match
  if (literal !== undefined) return { host: isIP(literal) === 6 ? literal : '', port: Number(port) }
  // Also turns 0x7f.1 and 2130706433 into the address that they are.
  return { host: domainToASCII(name.replace(/\.$/, '')), port: Number(port) }
}
