import { createHash } from 'node:crypto'
import { eq } from 'drizzle-orm'
import { z } from 'zod'
import { defineProblem, type MediaApi, type Tenant } from '../../src/index.ts'
import { sponsor } from './tables.ts'

const noSponsor = defineProblem({ code: 'no-sponsor', status: 404, title: 'No such sponsor' })
const badPicture = defineProblem({
  code: 'picture-invalid',
  status: 422,
  title: 'Not a picture that we show',
})

/** What browsers show everywhere, by the ending of its files. */
export const PICTURE_TYPES: Readonly<Record<string, string>> = {
  svg: 'image/svg+xml',
  png: 'image/png',
  jpg: 'image/jpeg',
  webp: 'image/webp',
}
/** Pixels of either side. */
const LARGEST = 8_192

const Picture = z.object({ type: z.string(), width: z.int().positive(), height: z.int().positive() })

/** Its kind and size, read where a file that is made to do harm can do none. */
export async function readPicture(media: MediaApi, tenant: Tenant, bytes: Uint8Array) {
  const worker = new URL('./picture/readPicture.ts', import.meta.url)
  const picture = await media.run(tenant, {
    worker,
    input: bytes,
    answer: Picture.nullable(),
    timeout: 5_000,
  })
  if (!picture || !Object.hasOwn(PICTURE_TYPES, picture.type))
    throw badPicture(`A picture is one of ${Object.keys(PICTURE_TYPES).join(', ')}.`)
  if (Math.max(picture.width, picture.height) > LARGEST)
    throw badPicture(`A picture has ${LARGEST} × ${LARGEST} pixels at most.`)
  return picture
}

/** Gives a sponsor a new picture. The one before is shown until the new one is whole. */
export async function keepPicture(media: MediaApi, tenant: Tenant, id: string, bytes: Uint8Array) {
  const picture = await readPicture(media, tenant, bytes)
  const { type, width, height } = picture
  const hash = createHash('sha256').update(bytes).digest('hex').slice(0, 16)
  const path = `sponsors/${id}-${hash}.${type}`
  const isThis = eq(sponsor.id, id)
  const before = await tenant.transaction(async (db) => {
    const [found] = await db.select({ picture: sponsor.picture }).from(sponsor).where(isThis).for('update')
    if (!found) throw noSponsor('There is no such sponsor.')
    await tenant.files.write(path, [bytes])
    await db.update(sponsor).set({ picture: path, pictureWidth: width, pictureHeight: height }).where(isThis)
    return found.picture
  })
  if (before && before !== path) await tenant.files.remove(before)
  return picture
}
