import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import {
  getLocalCryptographicMaterialsCache,
  NodeCachingMaterialsManager,
} from '@aws-crypto/caching-materials-manager-node'
import { buildDecrypt } from '@aws-crypto/decrypt-node'
import { buildEncrypt } from '@aws-crypto/encrypt-node'
import { AlgorithmSuiteIdentifier, CommitmentPolicy } from '@aws-crypto/material-management-node'
import { RawAesKeyringNode, RawAesWrappingSuiteIdentifier } from '@aws-crypto/raw-aes-keyring-node'
import { systemClock } from '../src/kernel/clock.ts'
import { newId } from '../src/kernel/ids.ts'
import { canary } from '../src/modules/vault/canary.ts'
import { openDataKeys } from '../src/modules/vault/dataKeys.ts'
import { fileKms } from '../src/modules/vault/fileKms.ts'
import { vault } from '../src/modules/vault/index.ts'
import { openMasterKeys } from '../src/modules/vault/masterKeys.ts'
import { openSealing } from '../src/modules/vault/vault.ts'
import { type TestPlatform, testPlatform } from '../test/support/platform.ts'
import { compare, type Print, printFigures } from './compare.ts'

/** Bytes of a token, and of a service account or key file. */
const SIZES = [128, 2_048]

/** One secret encrypted and decrypted: by the vault, by bare node:crypto, and by the AWS Encryption SDK. */
export async function run(print: Print): Promise<void> {
  const platform = await testPlatform([vault])
  try {
    const [plain, committed] = await Promise.all([openVault(platform, false), openVault(platform, true)])
    for (const size of SIZES) {
      const secret = randomBytes(size / 2).toString('hex')
      const contenders = {
        'bare AES-256-GCM, one key': bare(secret),
        vault: plain(secret),
        'vault, key commitment': committed(secret),
        'AWS SDK, commitment, cached keys': aws(secret, true),
        'AWS SDK, commitment': aws(secret, false),
      }
      printFigures(print, `${size} bytes encrypted and decrypted, one thread`, await compare(contenders, 1))
    }
  } finally {
    await platform.stop()
  }
}

function bare(secret: string): () => Promise<void> {
  const key = randomBytes(32)
  const aad = Buffer.from(`${newId()}:${newId()}:mastodon`)
  return async () => {
    const iv = randomBytes(12)
    const cipher = createCipheriv('aes-256-gcm', key, iv, { authTagLength: 16 }).setAAD(aad)
    const text = Buffer.concat([cipher.update(secret), cipher.final()])
    const decipher = createDecipheriv('aes-256-gcm', key, iv, { authTagLength: 16 }).setAAD(aad)
    decipher.setAuthTag(cipher.getAuthTag())
    same(Buffer.concat([decipher.update(text), decipher.final()]).toString(), secret)
  }
}

async function openVault({ stores }: TestPlatform, commitment: boolean) {
  const ring = { database: stores.keys, kms: fileKms(stores.secrets, {}), ring: newId(), clock: systemClock }
  await openMasterKeys(ring).check()
  const keys = openDataKeys({ ...ring, usesPerKey: 2 ** 31 })
  const sealing = openSealing({ keys, commitment, onRefused: () => undefined })
  const tenant = { id: newId() }
  const row = { socialAccountId: newId(), platform: 'mastodon' }
  return (secret: string) => async () => {
    const sealed = await sealing.seal(tenant, canary, { ...row, accessToken: secret })
    same((await sealing.open(tenant, canary, sealed)).accessToken, secret)
  }
}

/** The suite that commits to the key and does not sign, as the vault does with key commitment. */
function aws(secret: string, cached: boolean): () => Promise<void> {
  const { encrypt } = buildEncrypt(CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT)
  const { decrypt } = buildDecrypt(CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT)
  const keyring = new RawAesKeyringNode({
    keyName: 'bench',
    keyNamespace: 'bench',
    unencryptedMasterKey: new Uint8Array(randomBytes(32)),
    wrappingSuite: RawAesWrappingSuiteIdentifier.AES256_GCM_IV12_TAG16_NO_PADDING,
  })
  const materials = cached
    ? new NodeCachingMaterialsManager({
        backingMaterials: keyring,
        cache: getLocalCryptographicMaterialsCache(1_000),
        maxAge: 3_600_000,
      })
    : keyring
  const encryptionContext = { tenant: newId(), account: newId(), platform: 'mastodon' }
  const suiteId = AlgorithmSuiteIdentifier.ALG_AES256_GCM_IV12_TAG16_HKDF_SHA512_COMMIT_KEY
  return async () => {
    const { result } = await encrypt(materials, secret, { encryptionContext, suiteId })
    same((await decrypt(materials, result)).plaintext.toString(), secret)
  }
}

function same(got: unknown, expected: string): void {
  if (got !== expected) throw new Error('What was decrypted is not what was encrypted.')
}
