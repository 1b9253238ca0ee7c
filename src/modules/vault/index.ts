import { z } from 'zod'
import { stores } from '../../data/index.ts'
import { defineModule } from '../../kernel/module.ts'
import { tenancy } from '../tenancy/index.ts'
import { openDataKeys } from './dataKeys.ts'
import { fileKms } from './fileKms.ts'
import { openMasterKeys } from './masterKeys.ts'
import { secretEnvPerm } from './measures/secret-env-perm.ts'
import { vaultAad } from './measures/vault-aad.ts'
import { vaultEnvelope } from './measures/vault-envelope.ts'
import { vaultFormat } from './measures/vault-format.ts'
import { vaultKeysVersioned } from './measures/vault-keys-versioned.ts'
import { type KeyOperations, openOperations } from './operations.ts'
import { transitKms, transitSettings } from './transitKms.ts'
import { type DerivedKey, type Owner, openSealing, type Refusal, type Sealing } from './vault.ts'

export { canary as canaryTokens } from './canary.ts'
export { withToken } from './probing.ts'

/** What other modules get from the vault. */
export interface VaultApi extends Pick<Sealing, 'seal' | 'open'> {
  /**
   * A tenant's key for its backups: a new backup takes the current one and keeps `keyId` beside it, a restore names it.
   * It dies with the tenant's keys.
   */
  backupKey(owner: Owner, keyId?: string): Promise<DerivedKey>
  /**
   * Destroys the keys of a tenant for good: nothing that it sealed, and none of its backups, opens again, here at once
   * and elsewhere within a second. Safe to repeat.
   */
  destroy(owner: Owner): Promise<void>
  keys: KeyOperations
  /** Calls `listener` whenever a secret was refused in this process. Returns what ends it. */
  onRefused(listener: (refusal: Refusal) => void): () => void
}

const version = z.enum(Array.from({ length: 16 }, (_, i) => `v${i + 1}`))

const settings = z.object({
  /** Holds the master keys; none named: files on this machine. */
  transit: transitSettings.optional(),
  /** Files of master keys by version, `v1` to `v16`. Without any they are kept in the folder of secrets. */
  masterKeyFileNames: z.partialRecord(version, z.string()).default({}),
  /** Binds each sealed text to its key as well (24 bytes of IV, 32 of commitment). */
  commitment: z.boolean().default(false),
  /** Uses after which a data key makes way for a new one. */
  usesPerKey: z
    .number()
    .int()
    .min(1)
    .max(2 ** 32 - 1)
    .default(2 ** 31),
})

/** Keeps secrets of tenants under keys of their own. */
export const vault = defineModule({
  name: 'vault',
  needs: { stores, tenancy },
  settings,
  migrations: {
    keys: new URL('./migrations/keys/', import.meta.url),
    tenant: new URL('./migrations/tenant/', import.meta.url),
  },
  contradictions: (own) =>
    own.transit && Object.keys(own.masterKeyFileNames).length > 0
      ? [
          {
            settings: ['vault.transit', 'vault.masterKeyFileNames'],
            why: 'master keys are either on a key server or in files.',
          },
        ]
      : [],
  async start({ settings, clock, log, program }, { stores, tenancy }) {
    const kms = settings.transit
      ? transitKms(settings.transit)
      : fileKms(stores.secrets, settings.masterKeyFileNames)
    const ring = { database: stores.keys, kms, ring: 'tenants', clock }
    const master = openMasterKeys(ring)
    const keys = openDataKeys({ ...ring, usesPerKey: settings.usesPerKey })
    await master.check()
    const listeners = new Set<(refusal: Refusal) => void>()
    const sealing = openSealing({
      keys,
      commitment: settings.commitment,
      onRefused(refusal) {
        log[refusal.canary ? 'debug' : 'error'](
          { event: 'vault-refused', ...refusal },
          'a stored secret was changed or moved',
        )
        for (const listener of listeners) listener(refusal)
      },
    })
    const parts = { master, keys, sealing, commitment: settings.commitment }
    const api: VaultApi = {
      seal: sealing.seal,
      open: sealing.open,
      backupKey: (owner, keyId) => sealing.derive(owner, 'backup', keyId),
      async destroy({ id, canary = false }) {
        await keys.destroy(id)
        log[canary ? 'info' : 'warn']({ tenant: id, canary }, "a tenant's keys were destroyed")
      },
      keys: openOperations(parts, { stores, tenancy }),
      onRefused(listener) {
        listeners.add(listener)
        return () => void listeners.delete(listener)
      },
    }
    let alerts = 0
    api.onRefused(() => {
      alerts += 1
    })
    const probe = { ...parts, stores, kms, canaries: tenancy.canaries.open, alerts: () => alerts }
    return {
      api,
      measures: [
        vaultEnvelope(probe),
        vaultKeysVersioned(probe),
        vaultFormat(probe),
        vaultAad(probe),
        secretEnvPerm(program, stores.secrets),
      ],
    }
  },
})
