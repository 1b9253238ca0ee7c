import type { Redis } from 'ioredis'
import type { Log } from '../../kernel/log.ts'

const CHANNEL = 'surety:tenancy:changed'

/** Word of changes in the registry, to every process. A hint: what is read is never older than a second without it. */
export interface News {
  tell(): Promise<void>
  close(): void
}

/** Calls `onChange` when any process tells of a change, and when word may have been missed. */
export function followNews(redis: Redis, onChange: () => void, log: Log): News {
  const ear = redis.duplicate({ connectionName: 'surety-tenancy', commandTimeout: undefined })
  ear.on('error', () => undefined) // the connection for commands says that Redis is away
  ear.on('ready', onChange)
  ear.on('message', onChange)
  ear.subscribe(CHANNEL).catch((error: unknown) => log.debug({ err: error }, 'no word of changes'))
  return {
    tell: async () => {
      onChange()
      await redis.publish(CHANNEL, '').catch((error: unknown) => log.debug({ err: error }, 'change not told'))
    },
    close: () => ear.disconnect(),
  }
}
