import * as crypto from 'node:crypto'
import { syncBuiltinESMExports } from 'node:module'

interface Sabotage {
  sabotage: () => Promise<void>
  repair: () => Promise<void>
}

/** Sabotage of authenticated encryption in this process: `final` no longer refuses, or `setAAD` no longer binds. */
export function breakCipher(method: 'setAAD' | 'final'): Sabotage {
  const both: object[] = [crypto.Cipheriv.prototype, crypto.Decipheriv.prototype]
  const broken = method === 'final' ? [crypto.Decipheriv.prototype] : both
  const whole = both.map((prototype) => Reflect.get(prototype, method))
  function harmless(this: unknown) {
    return method === 'final' ? Buffer.alloc(0) : this
  }
  return {
    async sabotage() {
      for (const prototype of broken) Reflect.set(prototype, method, harmless)
    },
    async repair() {
      for (const [i, prototype] of both.entries()) Reflect.set(prototype, method, whole[i])
    },
  }
}

/** Sabotage of randomness in this process: the same bytes each time. */
export function breakRandom(): Sabotage {
  const { default: module } = crypto as unknown as { default: { randomBytes: unknown } }
  const whole = module.randomBytes
  const replace = async (randomBytes: unknown) => {
    module.randomBytes = randomBytes
    syncBuiltinESMExports()
  }
  return { sabotage: () => replace((size: number) => Buffer.alloc(size, 7)), repair: () => replace(whole) }
}
