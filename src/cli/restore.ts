import type { Command } from 'commander'
import pc from 'picocolors'
import { defineProblem } from '../kernel/problems.ts'
import { backup } from '../modules/backup/index.ts'
import type { Platform } from './platform.ts'
import { withPlatform } from './tenant.ts'

interface RestoreOptions {
  backup?: string
  at?: string
  into?: string
  replace?: boolean
}

const unclear = defineProblem({
  code: 'restore-unclear',
  status: 400,
  title: 'It is not clear what to restore',
})
const refused = defineProblem({
  code: 'restore-refused',
  status: 409,
  title: 'A tenant in use is not replaced unless told',
})

/** `surety restore`. */
export function addRestoreCommand(program: Command): void {
  program
    .command('restore')
    .description('restore a backup of a tenant, into a new tenant or in place')
    .argument('<slug>', 'whose backup')
    .option('--backup <id>', 'this one; without it the newest')
    .option('--at <time>', 'the newest of that time or before, such as 2026-03-01T12:00:00Z')
    .option('--into <slug>', 'a tenant that is made for it when there is none; without it the same one')
    .option('--replace', 'replace all that the tenant has now')
    .action((slug: string, options: RestoreOptions) =>
      withPlatform((platform) => restore(platform, slug, options)),
    )
}

async function restore(platform: Platform, slug: string, options: RestoreOptions): Promise<void> {
  const api = platform.api(backup)
  const chosen = await choose(platform, slug, options)
  const into = options.into ?? slug
  await prepareTarget(platform, slug, into, options.replace === true)
  console.log(`${chosen.id} of ${chosen.snapshotAt?.toISOString()} into ${into}`)
  const began = performance.now()
  const { phases } = await api.restore(chosen.id, into, (phase) => console.log(pc.dim(`${phase} …`)))
  for (const [phase, ms] of Object.entries(phases))
    console.log(`${phase.padEnd(18)} ${String(ms).padStart(8)} ms`)
  console.log(pc.green(`${into} is restored, ${Math.round(performance.now() - began)} ms in all`))
}

async function choose(platform: Platform, slug: string, { backup: id, at }: RestoreOptions) {
  const until = at === undefined ? undefined : new Date(at)
  if (until && Number.isNaN(until.getTime())) throw unclear(`"${at}" is no instant.`)
  const list = await platform.api(backup).list(slug)
  const found = list.find(
    (one) => (id === undefined || one.id === id) && (!until || (one.snapshotAt ?? until) <= until),
  )
  if (!found)
    throw unclear(`There is no such backup of ${slug}; \`surety backup list ${slug}\` shows those there are.`)
  return found
}

/** Makes the tenant to restore into when it is not there; a tenant that people use is replaced only when told. */
async function prepareTarget(
  { tenancy }: Platform,
  slug: string,
  into: string,
  replace: boolean,
): Promise<void> {
  const tenants = await tenancy.list()
  const target = tenants.find((tenant) => tenant.slug === into)
  if (target && !target.canary && !replace)
    throw refused(`${into} is in use: say --replace, or restore --into a new tenant.`)
  if (target) return
  const { name, model } = await tenancy.bySlug(slug)
  await tenancy.create({ slug: into, name, model, hosts: [`${into}.${tenancy.baseDomain}`] })
}
