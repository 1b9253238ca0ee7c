import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { z } from 'zod'
import { buildOf } from '../../kernel/build.ts'
import { defineProblem } from '../../kernel/problems.ts'
import { buildPages } from '../../modules/office/index.ts'
import { nodeOf } from '../../modules/release/index.ts'
import type { Environment } from '../environment.ts'
import { loadApp, mainOf, modulesOf, releaseOf } from '../platform.ts'
import { collectMigrations, MIGRATED } from '../prepare.ts'

const description = z.object({
  build: z.string(),
  /** Names by store, such as `tenancy/0001-context.sql`. */
  migrations: z.record(z.enum(MIGRATED), z.array(z.string())),
})

/** What a release says of itself. */
export type Description = z.output<typeof description>

const doesNotLoad = defineProblem({
  code: 'release-incomplete',
  status: 409,
  title: 'The release is not complete',
})

/** Prints the description of this release, and builds the pages, so that its first start need not. */
export async function describe(): Promise<void> {
  await buildPages()
  const modules = modulesOf(await loadApp(process.env))
  const migrations = await Promise.all(
    MIGRATED.map(async (store) => [store, (await collectMigrations(modules, store)).map(({ name }) => name)]),
  )
  console.log(
    JSON.stringify({ build: buildOf(releaseOf(process.env)), migrations: Object.fromEntries(migrations) }),
  )
}

/** Lets another release describe itself, which also shows that its code loads. Throws a Problem when it does not. */
export async function askRelease(release: string, env: Environment): Promise<Description> {
  try {
    const run = await promisify(execFile)(nodeOf(release), [mainOf(release), 'release', 'describe'], { env })
    return description.parse(JSON.parse(run.stdout))
  } catch (error) {
    const { stderr = String(error) } = error as { stderr?: string }
    const [why = stderr.trim().slice(0, 300)] = /^.*Error\b.*$/m.exec(stderr) ?? []
    throw doesNotLoad(`It does not say what it is: ${why}`, { cause: error })
  }
}
