import { eq } from 'drizzle-orm'
import { defineProblem, type PushApi, type Tenant } from '../../src/index.ts'
import { artist, performance, stage } from './tables.ts'

const notThere = defineProblem({
  code: 'not-in-line-up',
  status: 404,
  title: 'Nothing like that is in the line-up',
})

/**
 * Moves a performance to another stage of the festival and tells everybody who registered for it. Returns the id of the
 * message, or null when it was there already or is not published yet. Throws a Problem `not-in-line-up` (404).
 */
export async function changeStage(
  push: PushApi,
  tenant: Tenant,
  { performanceId, stageId }: { performanceId: string; stageId: string },
): Promise<string | null> {
  const moved = await tenant.transaction(async (db) => {
    const [found] = await db
      .select({ artist: artist.name, stageId: performance.stageId, published: performance.published })
      .from(performance)
      .innerJoin(artist, eq(artist.id, performance.artistId))
      .where(eq(performance.id, performanceId))
    const [target] = await db.select({ name: stage.name }).from(stage).where(eq(stage.id, stageId))
    if (!found || !target) throw notThere('There is no such performance or stage.')
    if (found.stageId === stageId) return null
    await db.update(performance).set({ stageId }).where(eq(performance.id, performanceId))
    return found.published ? { artist: found.artist, stage: target.name } : null
  })
  return (
    moved &&
    push.send(tenant, {
      title: moved.artist,
      body: `→ ${moved.stage}`,
      data: { performance: performanceId, stage: stageId },
    })
  )
}
