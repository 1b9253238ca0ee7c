import { lookup } from 'node:dns'
import type { LookupFunction } from 'node:net'

/** Names under `localhost` are this machine (RFC 6761 §6.3), also where the system's resolver does not know that. */
export const findHost: LookupFunction = (name, options, done) =>
  lookup(/(^|\.)localhost$/.test(name) ? '127.0.0.1' : name, options, done)
