import type { ApiOf } from '../../kernel/module.ts'
import type { vault } from '../vault/index.ts'
import type { NamedKey } from './frames.ts'

/** The keys of tenants' backups. They live and die with the tenant's keys in the vault. */
export interface BackupKeys {
  /** What a new backup is encrypted with. Throws a Problem `vault-destroyed`. */
  current(tenantId: string): Promise<NamedKey>
  /** What an object needs that names a key. Throws Problems `vault-destroyed` and `vault-refused`. */
  find(tenantId: string, keyId: string): Promise<Uint8Array>
}

/** Keys derived from the tenant's data keys. */
export function openBackupKeys({ backupKey }: Pick<ApiOf<typeof vault>, 'backupKey'>): BackupKeys {
  return {
    current: (id) => backupKey({ id }),
    find: async (id, keyId) => (await backupKey({ id }, keyId)).key,
  }
}
