import type { Clock } from '../../kernel/clock.ts'

/** A token of a push service's, and until when (ms) it is used. */
export interface GrantedToken {
  token: string
  until: number
}

/** Tokens by name: however many messages go out at once, one token is made, which the services ask for. */
export interface TokenCache {
  get(name: string, make: () => Promise<GrantedToken>): Promise<string>
  forget(name: string): void
}

interface Entry {
  granted: Promise<GrantedToken>
  /** Without an end while it is being made. */
  until: number
}

export function openTokenCache(clock: Clock): TokenCache {
  const tokens = new Map<string, Entry>()
  return {
    async get(name, make) {
      const known = tokens.get(name)
      if (known && known.until > clock.now().getTime()) return (await known.granted).token
      const entry: Entry = { granted: make(), until: Number.POSITIVE_INFINITY }
      tokens.set(name, entry)
      try {
        const { token, until } = await entry.granted
        entry.until = until
        return token
      } catch (error) {
        if (tokens.get(name) === entry) tokens.delete(name)
        throw error
      }
    },
    forget: (name) => void tokens.delete(name),
  }
}
