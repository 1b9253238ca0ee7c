import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import pc from 'picocolors'
import { buildOf } from '../../kernel/build.ts'
import { defineProblem } from '../../kernel/problems.ts'
import {
  activeRelease,
  findFlaws,
  goOver,
  type Layout,
  layoutOf,
  nodeOf,
  pointTo,
  releaseBefore,
  release as releaseModule,
} from '../../modules/release/index.ts'
import { runningEnvironment } from '../environment.ts'
import { mainOf, releaseOf } from '../platform.ts'
import { withPlatform } from '../tenant.ts'
import { askRelease } from './describe.ts'
import { unknownMigrations } from './unknownMigrations.ts'

export interface ActivateOptions {
  restart?: string
  acrossMigrations?: boolean
  offline?: boolean
}

const noLayout = defineProblem({
  code: 'release-layout',
  status: 409,
  title: 'There are no releases beside each other',
})
const incomplete = defineProblem({
  code: 'release-incomplete',
  status: 409,
  title: 'The release is not complete',
})
const ahead = defineProblem({
  code: 'release-migrations',
  status: 409,
  title: 'The databases are ahead of this release',
})
const noneBefore = defineProblem({ code: 'release-none-before', status: 404, title: 'No release ran before' })
const notKept = defineProblem({
  code: 'release-not-kept',
  status: 409,
  title: 'Nobody here follows the active release',
})
const stepFailed = defineProblem({
  code: 'release-step',
  status: 500,
  title: 'A step of the activation failed',
})

/** `surety release activate`. */
export async function activate(name: string, options: ActivateOptions): Promise<void> {
  const release = findRelease(name)
  await goTo(release, layoutBeside(release), 'reloadWithin', options)
}

/** `surety release rollback`. */
export async function rollBack(options: ActivateOptions): Promise<void> {
  const layout = layoutBeside(releaseOf(process.env))
  const release = releaseBefore(layout)
  if (!release) throw noneBefore('`surety release list` shows those there are; name one with `activate`.')
  await goTo(release, layout, 'rollbackWithin', options)
}

/** The layout that a release is part of. Throws a Problem when it stands alone. */
export function layoutBeside(release: string): Layout {
  const layout = layoutOf(release)
  if (!layout)
    throw noLayout(`${release} does not lie in a folder named releases; docs/guide/releases.md says how.`)
  return layout
}

/** A path, or the name of a release beside this one. */
function findRelease(name: string): string {
  const beside = layoutOf(releaseOf(process.env))
  const named = beside && join(beside.releases, name)
  const release = named && existsSync(named) ? named : resolve(name)
  if (!existsSync(release)) throw incomplete(`There is no folder ${release}.`)
  return release
}

async function goTo(
  release: string,
  layout: Layout,
  limit: 'reloadWithin' | 'rollbackWithin',
  options: ActivateOptions,
): Promise<void> {
  refuseFlaws(release, layout)
  const env = options.offline ? process.env : runningEnvironment()
  const description = await askRelease(release, env)
  if (options.offline) {
    pointTo(layout, release)
    console.log(`${basename(release)} is what starts next.`)
    return
  }
  await withPlatform(async (platform) => {
    const api = platform.api(releaseModule)
    if (!api.isKept() && !options.restart)
      throw notKept(
        '`surety up` does not run here: say what restarts the processes (--restart), or --offline.',
      )
    const unknown = await unknownMigrations(platform.stores, description)
    if (unknown.length > 0 && !options.acrossMigrations)
      throw ahead(
        `It does not know ${unknown.join(', ')}. Migrations are not undone: make sure that its code copes with them, then name --across-migrations.`,
      )
    if (limit === 'reloadWithin') {
      console.log(pc.dim('Migrations …'))
      await run(nodeOf(release), [mainOf(release), 'migrate'], env)
    }
    console.log(pc.dim(`${basename(release)} …`))
    const restart = async () =>
      void (options.restart && (await run('sh', ['-c', options.restart], process.env)))
    const took = await goOver(release, api.surroundings(layout, api[limit], restart))
    console.log(
      pc.green(`${basename(release)} runs, build ${buildOf(release)}, after ${(took / 1000).toFixed(1)} s`),
    )
  })
}

function refuseFlaws(release: string, layout: Layout): void {
  const flaws = findFlaws(release)
  const active = activeRelease(layout)
  if (active && active !== release && buildOf(active) === buildOf(release))
    flaws.push(`it says the same build as the active release, ${buildOf(release)}`)
  if (flaws.length === 0) return
  const more = flaws.length > 10 ? `, and ${flaws.length - 10} more` : ''
  throw incomplete(`${flaws.slice(0, 10).join(', ')}${more}. Copy it again.`)
}

async function run(program: string, args: string[], env: Record<string, string | undefined>): Promise<void> {
  const child = spawn(program, args, { env, stdio: ['ignore', 'inherit', 'inherit'] })
  const [code, signal] = await once(child, 'exit')
  if (code !== 0) throw stepFailed(`${args.at(-1)} ended with ${signal ?? `exit code ${code}`}.`)
}
