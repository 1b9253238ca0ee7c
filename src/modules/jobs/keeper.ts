import type { Redis } from 'ioredis'

/** Who starts a process again when it ends unexpectedly, as far as the process can tell; part of its workers' names. */
export function keeperOfThisProcess(): string {
  if (process.connected) return 'up'
  if (process.env.KUBERNETES_SERVICE_HOST) return 'kubernetes'
  return process.env.INVOCATION_ID ? 'systemd' : NOBODY // systemd.exec(5)
}

const NOBODY = 'nobody'

/** Process ids of the workers under `prefix` that nobody would start again. */
export async function unkeptWorkers(redis: Redis, prefix: string): Promise<number[]> {
  const clients = (await redis.client('LIST')) as string
  const pids = [...clients.matchAll(/ name=(\S+):w:([a-z]+)-(\d+) /g)]
    .filter(([, queue, keeper]) => queue?.startsWith(`${prefix}:`) && keeper === NOBODY)
    .map(([, , , pid]) => Number(pid))
  return [...new Set(pids)].sort((a, b) => a - b)
}
