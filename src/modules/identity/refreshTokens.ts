import { createHmac, timingSafeEqual } from 'node:crypto'
import { isId } from '../../kernel/ids.ts'

/** A place in a family of refresh tokens. */
export interface RefreshPlace {
  session: string
  generation: number
}

/** Turns places into tokens and back. */
export interface RefreshTokens {
  /** Always the same token for the same place: a lost answer can be given again and no token need be stored. */
  write(realm: string, place: RefreshPlace): string
  /** The place, when this deployment wrote the token for this realm; a forged one must never end anybody's session. */
  read(realm: string, token: string): RefreshPlace | undefined
}

const FORM = /^([0-9a-f-]{36})\.(0|[1-9]\d{0,8})\.([A-Za-z0-9_-]{43})$/

/** Refresh tokens `<session>.<generation>.<HMAC-SHA-256>` under `key` (32 bytes). */
export function openRefreshTokens(key: Uint8Array): RefreshTokens {
  const mac = (realm: string, { session, generation }: RefreshPlace) =>
    createHmac('sha256', key).update(`refresh\n${realm}\n${session}\n${generation}`).digest()
  return {
    write: (realm, place) =>
      `${place.session}.${place.generation}.${mac(realm, place).toString('base64url')}`,
    read(realm, token) {
      const [, session = '', generation, given = ''] = FORM.exec(token) ?? []
      if (!isId(session)) return undefined
      const place = { session, generation: Number(generation) }
      const bytes = Buffer.from(given, 'base64url')
      const canonical = bytes.toString('base64url') === given
      return canonical && timingSafeEqual(bytes, mac(realm, place)) ? place : undefined
    },
  }
}
