import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { Problem } from '../../kernel/problems.ts'
import type { ProbeContext } from '../../proof/measure.ts'
import type { CanaryPair } from '../tenancy/index.ts'
import { canaryTokens, type VaultApi, withToken } from '../vault/index.ts'

/** Were B's sealed rows and backups in A's hands, with everything that A's keys open: they stay closed. */
export async function attackKeys(
  { check, positiveControl }: Pick<ProbeContext<unknown>, 'check' | 'positiveControl'>,
  vault: VaultApi,
  { model, a, b }: CanaryPair,
): Promise<void> {
  await withToken(vault, b, async ({ row }) => {
    const open = (owner: typeof a) => outcomeOf(vault.open(owner, canaryTokens, row))
    positiveControl(`${model}: what is sealed for B, under B's keys`, 'opened', await open(b))
    check(`${model}: what is sealed for B, under A's keys`, 'vault-refused', await open(a))
  })
  const [keyOfA, keyOfB] = [await vault.backupKey(a), await vault.backupKey(b)]
  const object = encrypt(keyOfB.key)
  positiveControl(`${model}: an object encrypted for B, under B's key`, 'opened', decrypt(keyOfB.key, object))
  check(`${model}: an object encrypted for B, under A's key`, 'refused', decrypt(keyOfA.key, object))
  check(
    `${model}: the key of B's objects, asked for in A's name`,
    'vault-refused',
    await outcomeOf(vault.backupKey(a, keyOfB.keyId)),
  )
}

interface Encrypted {
  iv: Buffer
  text: Buffer
  tag: Buffer
}

function encrypt(key: Buffer): Encrypted {
  const iv = randomBytes(12)
  const cipher = createCipheriv('aes-256-gcm', key, iv)
  const text = Buffer.concat([cipher.update('an object of B'), cipher.final()])
  return { iv, text, tag: cipher.getAuthTag() }
}

function decrypt(key: Buffer, { iv, text, tag }: Encrypted): string {
  const decipher = createDecipheriv('aes-256-gcm', key, iv, { authTagLength: 16 }).setAuthTag(tag)
  try {
    decipher.update(text)
    decipher.final()
    return 'opened'
  } catch {
    return 'refused'
  }
}

function outcomeOf(opening: Promise<unknown>): Promise<string> {
  return opening.then(
    () => 'opened',
    (error: unknown) => {
      if (error instanceof Problem) return error.code
      throw error
    },
  )
}
