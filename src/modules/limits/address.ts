import { createHmac } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { BlockList, isIP } from 'node:net'
import type { Clock } from '../../kernel/clock.ts'
import { defineProblem } from '../../kernel/problems.ts'

const noSalt = defineProblem({ code: 'limits-salt', status: 500, title: 'Addresses cannot be hashed' })

/** Everybody whose address cannot be read shares one bucket: garbage must not buy budget. */
const UNREADABLE = 'unreadable'

/** Gives the network that counts for an address: IPv4 as it is, IPv6 as its /64; IPv4 inside IPv6 is IPv4. */
export function networkOf(address: string): string {
  const [plain = ''] = address.split('%')
  const version = isIP(plain)
  if (version === 4) return plain
  if (version !== 6) return UNREADABLE
  const groups = expand(plain)
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff) {
    const [high = 0, low = 0] = groups.slice(6)
    return [high >> 8, high & 255, low >> 8, low & 255].join('.')
  }
  return `${groups
    .slice(0, 4)
    .map((group) => group.toString(16))
    .join(':')}::/64`
}

/** The eight groups of an IPv6 address in any of its forms (RFC 4291 §2.2). */
function expand(address: string): number[] {
  const written = new URL(`http://[${address}]`).hostname.slice(1, -1)
  const [head = '', tail] = written.split('::')
  const parse = (part: string) => (part ? part.split(':').map((group) => Number.parseInt(group, 16)) : [])
  const [first, last] = [parse(head), parse(tail ?? '')]
  return [...first, ...Array<number>(8 - first.length - last.length).fill(0), ...last]
}

/** Whether an address is one of `trusted` proxies (CIDR). */
export function openProxyList(trusted: readonly string[]): (address: string) => boolean {
  const proxies = new BlockList()
  for (const cidr of trusted) {
    const [network = '', prefix] = cidr.split('/')
    const family = isIP(network) === 6 ? 'ipv6' : 'ipv4'
    proxies.addSubnet(network, Number(prefix ?? (family === 'ipv6' ? 128 : 32)), family)
  }
  return (address) => {
    const version = isIP(address)
    return version !== 0 && proxies.check(address, version === 6 ? 'ipv6' : 'ipv4')
  }
}

/**
 * Says where a request comes from: the connection's address, or, when that is one of `trusted` proxies (CIDR), the
 * nearest one in X-Forwarded-For that is not. What stands further left is the client's own word and counts for nothing.
 */
export function openClientAddress(trusted: readonly string[]): (request: IncomingMessage) => string {
  const isProxy = openProxyList(trusted)
  return ({ socket, headers }) => {
    const connection = socket.remoteAddress ?? UNREADABLE
    if (trusted.length === 0 || !isProxy(connection)) return connection
    const chain = [headers['x-forwarded-for'] ?? []].flat().join(',').split(',')
    const hops = chain.map((hop) => hop.trim()).reverse()
    return hops.find((hop) => !isProxy(hop)) || connection
  }
}

/** Turns what identifies somebody into a name of a bucket that does not tell who. A test may replace `hash`. */
export interface Hasher {
  hash(text: string): string
}

/**
 * HMAC-SHA-256 under a salt that changes every `rotation` ms, so that the same address has no lasting name. Throws a
 * Problem `limits-salt` when the secret is shorter than 32 characters.
 */
export function openHasher(secret: string, rotation: number, clock: Clock): Hasher {
  if (secret.length < 32) throw noSalt('The salt has fewer than 32 characters; give one of 256 random bits.')
  let epoch = -1
  let salt = Buffer.alloc(0)
  return {
    hash(text) {
      const current = Math.floor(clock.now().getTime() / rotation)
      if (current !== epoch) {
        epoch = current
        salt = createHmac('sha256', secret).update(`salt|${epoch}`).digest()
      }
      return createHmac('sha256', salt).update(text).digest('base64url')
    },
  }
}
