import { BlockList, isIP } from 'node:net'

// Special-purpose addresses (RFC 6890 and its registry): nobody's server on the internet.
const RESERVED_V4 = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
]
// Within global unicast: what carries an IPv4 address or is for documentation.
const RESERVED_V6 = ['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20']
// Everything else of IPv6, mapped and translated IPv4 included, is outside of it.
const GLOBAL_V6 = ['2000::/3']

/** A set of networks in CIDR. */
export function networks(cidrs: readonly string[]): (address: string) => boolean {
  const list = new BlockList()
  for (const cidr of cidrs) {
    const [network = '', prefix] = cidr.split('/')
    list.addSubnet(network, Number(prefix), isIP(network) === 6 ? 'ipv6' : 'ipv4')
  }
  return (address) => list.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')
}

const reservedV4 = networks(RESERVED_V4)
const reservedV6 = networks(RESERVED_V6)
const globalV6 = networks(GLOBAL_V6)

/** Whether `address` is one of the internet's. */
export function isPublic(address: string): boolean {
  const version = isIP(address)
  if (version === 4) return !reservedV4(address)
  return version === 6 && globalV6(address) && !reservedV6(address)
}
