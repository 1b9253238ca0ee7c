import { isIP } from 'node:net'

/** `text` without IP addresses. */
export const withoutAddresses = (text: string): string =>
  text.replace(/[0-9a-f:.]*[:.][0-9a-f:.]+/gi, (found) => {
    const trimmed = found.replace(/[.:]+$/, '')
    const [address = ''] = /^\d+\.\d+\.\d+\.\d+(?=:\d+$|$)/.exec(trimmed) ?? [trimmed]
    return isIP(address) ? '[address]' : found
  })
