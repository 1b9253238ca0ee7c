import { readFile } from 'node:fs/promises'
import { eq } from 'drizzle-orm'
import { newId, type Tenant } from '../../src/index.ts'
import { importLineup } from './importLineup.ts'
import { readCsv } from './readCsv.ts'
import { readJsonLd } from './readJsonLd.ts'
import { sponsor } from './tables.ts'

const data = (name: string) => readFile(new URL(`./data/${name}`, import.meta.url), 'utf8')

/** Fills a demo festival from the files in data/: one from CSV, the other from JSON-LD. */
export async function seedDemo(tenant: Tenant): Promise<void> {
  await importLineup(
    tenant,
    tenant.model === 'database' ? readCsv(await data('lineup.csv')) : readJsonLd(await data('lineup.jsonld')),
  )
  await keepSponsor(tenant, { name: 'Brauhaus Nord', tier: 'main', picture: await data('brauhaus-nord.svg') })
  await keepSponsor(tenant, { name: 'Radio Elbe', tier: 'partner', picture: await data('radio-elbe.svg') })
}

/** A sponsor with a picture, known by its name. Returns its id. */
export async function keepSponsor(
  tenant: Tenant,
  { name, tier, picture }: { name: string; tier: 'main' | 'partner'; picture: string },
): Promise<string> {
  const path = `sponsors/${name.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')}.svg`
  await tenant.files.write(path, [Buffer.from(picture)])
  return tenant.transaction(async (db) => {
    await db
      .insert(sponsor)
      .values({ id: newId(), name, tier, picture: path, pictureAlt: name })
      .onConflictDoNothing()
    const [kept] = await db.select({ id: sponsor.id }).from(sponsor).where(eq(sponsor.name, name))
    return kept?.id as string
  })
}
