import type { Stores } from '../../../data/index.ts'
import { type SecretField, secretFields } from '../../../data/secretColumn.ts'
import { newId } from '../../../kernel/ids.ts'
import { type Measure, measure } from '../../../proof/measure.ts'
import { canary } from '../canary.ts'
import { MOST_VERSIONS } from '../format.ts'
import { asSealed, outcomeOf, type ProbeParts, type ScratchVault, withScratchVault } from '../probing.ts'
import type { Sealing } from '../vault.ts'

interface Versions {
  most: number
}

/** CAST-14. Rotation is tried on a vault of the probe's own, so that the deployment's keys stay as they are. */
export function vaultKeysVersioned({ stores, master }: ProbeParts): Measure<Versions> {
  return measure<Versions>({
    key: 'vault.keys.versioned',
    sources: ['CAST-14'],
    family: 'encryption',
    maps: { gdpr: ['32(1)(a)'], iso27001: ['A.8.24'] },
    settings: { most: MOST_VERSIONS },
    claim: {
      de: ({ most }) =>
        `Schlüssel haben Versionen (v1 bis v${most}): Neues wird unter der neuesten verschlüsselt, Älteres bleibt lesbar, bis es umgeschlüsselt ist.`,
      en: ({ most }) =>
        `Keys have versions (v1 to v${most}): what is new is encrypted under the newest, what is older stays readable until it is encrypted anew.`,
    },
    async prove({ check, positiveControl, clock, settings: { most } }) {
      const keys = await master.list()
      check('master keys in use that are missing or are not what they were', [], missing(keys))
      await withScratchVault(stores, clock, async ({ master, sealing, files, withFiles }) => {
        const tenant = { id: newId() }
        const row = { socialAccountId: newId(), platform: 'x' }
        const seal = async (by: Sealing) => {
          const { accessToken } = await by.seal(tenant, canary, { ...row, accessToken: newId() })
          return accessToken?.text ?? ''
        }
        const open = (by: Sealing, text: string) =>
          outcomeOf(by.open(tenant, canary, { ...row, accessToken: asSealed(text) }))
        const old = await seal(sealing)
        positiveControl(
          'a value under the first key',
          ['v1', 'opened'],
          [versionOf(old), await open(sealing, old)],
        )
        await master.rotate()
        const after = withFiles(files)
        const fresh = await seal(after)
        check('version of a value after a second key was added', 'v2', versionOf(fresh))
        check('the value from before', 'opened', await open(after, old))
        const { v2 } = files
        const withoutFirst = () => withFiles({ v2 })
        positiveControl(
          'without the first key, the value from before',
          'master-key-missing',
          await open(withoutFirst(), old),
        )
        check('without the first key, the new value', 'opened', await open(withoutFirst(), fresh))
        await master.rewrap(() => undefined)
        check('the same after rewrapping, the value from before', 'opened', await open(withoutFirst(), old))
        const anew = await after.reseal(tenant, tokenField as SecretField, row, old)
        check('version of the value from before, encrypted anew', 'v2', versionOf(anew))
        check(
          'a value of a version that does not exist',
          'vault-refused',
          await open(after, old.replace('v1', 'v17')),
        )
      })
      check(`a key of version ${most + 1}`, 'refused', await addKey(stores.keys, most + 1))
    },
  })
}

const [tokenField] = secretFields(canary)

const versionOf = (text: string): string => text.split(':')[0] ?? ''

function missing(keys: Awaited<ReturnType<ScratchVault['master']['list']>>): string[] {
  return keys.filter(({ wraps, isHere }) => wraps > 0 && !isHere).map(({ version }) => `v${version}`)
}

async function addKey(keys: Stores['keys'], version: number): Promise<string> {
  const ring = `probe ${newId()}`
  try {
    await keys.query(
      `INSERT INTO vault.master_key (ring, version, fingerprint, made_at) VALUES ($1, $2, '', now())`,
      [ring, version],
    )
    return 'taken'
  } catch (error) {
    if ((error as { code?: string }).code === 'invalid-value') return 'refused'
    throw error
  } finally {
    await keys.query('DELETE FROM vault.master_key WHERE ring = $1', [ring])
  }
}
