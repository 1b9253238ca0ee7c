import { newId } from '../../../kernel/ids.ts'
import { Problem } from '../../../kernel/problems.ts'
import { type Measure, measure } from '../../../proof/measure.ts'
import type { TenancyApi } from '../../tenancy/index.ts'
import type { BackupParts } from '../backUp.ts'
import { type Bytes, decrypt, looksEncrypted } from '../frames.ts'
import { measureAll, objectName, readManifest, readObject } from '../manifest.ts'

/** FEST-13, PREZ-11, LARA-30. */
export function backupEncryption(parts: BackupParts, tenancy: TenancyApi): Measure {
  return measure({
    key: 'backup.encryption',
    sources: ['FEST-13', 'PREZ-11', 'LARA-30'],
    family: 'encryption',
    maps: { gdpr: ['32(1)(a)'], iso27001: ['A.8.13', 'A.8.24'] },
    claim: {
      de: () =>
        'Sicherungen sind verschlüsselt, bevor sie den Server verlassen: AES-256-GCM mit einem eigenen Schlüssel je Mandant.',
      en: () =>
        'Backups are encrypted before they leave the server: AES-256-GCM, a key of its own for each tenant.',
    },
    async prove({ check, positiveControl, notApplicable }) {
      if (parts.settings.mode === 'snapshot')
        notApplicable('This deployment relies on snapshots of the whole machine.')
      const clear = await unencrypted(parts)
      check('objects in the repository that do not begin as encrypted ones do', [], clear)
      positiveControl('the same look recognises a bare dump', false, looksEncrypted(Buffer.from('PGDMP')))
      const canaries = (await tenancy.list()).filter(({ canary, slug }) => canary && slug.endsWith('-a'))
      for (const { slug, id } of canaries) {
        const [newest] = await parts.catalogue.available(id)
        if (newest) await attack(parts, slug, newest, { check, positiveControl })
      }
    },
  })
}

type Record = (what: string, expected: unknown, observed: unknown) => void

async function attack(
  parts: BackupParts,
  slug: string,
  { id, tenantId }: { id: string; tenantId: string },
  { check, positiveControl }: { check: Record; positiveControl: Record },
): Promise<void> {
  const name = objectName.dump(tenantId, id)
  const { dump } = await readManifest(parts, tenantId, id)
  const own = (keyId: string) => parts.keys.find(tenantId, keyId)
  const bytes = await stored(parts, name)
  const found = await measureAll(readObject(parts, name)).catch((error: Error) => error.message)
  positiveControl(`${slug}: its key opens its newest backup`, dump, found)
  const open = (content: Bytes, find: typeof own, as = name) =>
    measureAll(decrypt(content, find, as)).then(
      () => 'opened',
      (error: unknown) =>
        error instanceof Problem && error.code === 'backup-unreadable' ? 'refused' : String(error),
    )
  const changed = Buffer.from(bytes)
  changed[changed.length >> 1] = (changed[changed.length >> 1] as number) ^ 1
  const tries: [string, Promise<string>][] = [
    ['under another key', open([bytes], async () => Buffer.alloc(32, 1))],
    ['with one bit changed', open([changed], own)],
    ['cut off', open([bytes.subarray(0, -1)], own)],
    ['as the backup of another tenant', open([bytes], own, objectName.dump(newId(), id))],
  ]
  for (const [how, result] of tries) check(`${slug}: its newest backup ${how}`, 'refused', await result)
}

async function unencrypted({ repository }: BackupParts): Promise<string[]> {
  const names: string[] = []
  for (const { name } of await repository.list(''))
    if (!looksEncrypted(await firstBytes(await repository.open(name)))) names.push(name)
  return names
}

async function firstBytes(content: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  for await (const part of content) return part
  return Buffer.alloc(0)
}

async function stored({ repository }: BackupParts, name: string): Promise<Buffer> {
  const parts: Uint8Array[] = []
  for await (const part of await repository.open(name)) parts.push(part)
  return Buffer.concat(parts)
}
