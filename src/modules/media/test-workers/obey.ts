import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Given } from '../worker.ts'

/** Does what a test wants to see done in the sandbox. */
export default async function obey(order: string, { files }: Given): Promise<unknown> {
  const orders: Record<string, () => unknown> = {
    'read the files': () =>
      Object.fromEntries(Object.entries(files).map(([path, fd]) => [path, readFileSync(fd, 'utf8')])),
    'never end': () => {
      for (;;);
    },
    'wait forever': () => new Promise((resolve) => setTimeout(resolve, 1e8)),
    'fill the heap': () => {
      for (const kept: unknown[] = []; ; ) kept.push(new Array(100_000).fill(0.5))
    },
    'fill the memory': () => {
      for (const kept: unknown[] = []; ; ) kept.push(Buffer.alloc(64_000_000, 1))
    },
    throw: () => {
      throw new Error('no\u0000 picture')
    },
    leave: () => process.exit(7),
    'answer at length': () => 'x'.repeat(20_000_000),
    'answer nothing': () => undefined,
    'print something': () => console.log('printed'),
    'leave a file behind': () => {
      const file = join(tmpdir(), 'left')
      const wasThere = existsSync(file)
      writeFileSync(file, 'left')
      return wasThere
    },
    'write a large file': () => writeFileSync(join(tmpdir(), 'large'), Buffer.alloc(80_000_000)),
  }
  return orders[order]?.()
}
