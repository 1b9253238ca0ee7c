import { uuidv7 } from 'uuidv7'

/** A new UUIDv7 (RFC 9562 §5.7): unique, and ordered by creation time so that indexes stay compact. */
export function newId(): string {
  return uuidv7()
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

/** Whether `value` is a lower-case UUID in the canonical form. */
export function isId(value: string): boolean {
  return UUID.test(value)
}
