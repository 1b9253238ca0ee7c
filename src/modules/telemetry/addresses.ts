import { isIPv6 } from 'node:net'

const V4 = /(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?!\.?\d)/g
/** Two colons at least; looked at from its beginning alone, so that a long id is not tried again from each letter. */
const LIKE_V6 = /(?<![0-9a-f:.])[0-9a-f]*:[0-9a-f]*:[0-9a-f:.]*/gi

/** `text` without IP addresses. */
export const withoutAddresses = (text: string): string =>
  text.replace(LIKE_V6, withoutV6).replace(V4, '[address]')

/** A colon may stand before an address, and a colon or the full stop of a sentence after it. */
function withoutV6(found: string): string {
  const address = [found, found.replace(/\.+$/, ''), found.replace(/[.:]+$/, '')]
    .flatMap((one) => [one, one.replace(/^:/, '')])
    .find((one) => isIPv6(one))
  return address === undefined ? found : found.replace(address, '[address]')
}
