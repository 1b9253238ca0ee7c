import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { recover } from '../../data/local/recovery.ts'
import { newId } from '../../kernel/ids.ts'
import type { ProbeContext } from '../../proof/measure.ts'
import type { Tenant } from '../tenancy/index.ts'
import type { Cluster } from './cluster/cluster.ts'
import { untilIdle } from './cluster/clusterBackups.ts'
import { type Between, lookAt, lookAtLive, markInstant, roomMissing } from './cluster/rehearsal.ts'
import type { DrillParts } from './drill.ts'
import { beat, beatsIn } from './heartbeat.ts'
import { type Block, follow, type Variables } from './runbook.ts'
import { storeOf } from './source.ts'

/** What the runbook is followed with. */
interface Walk {
  parts: DrillParts
  cluster: Cluster | undefined
  canary: Tenant
  /** The tenant that gets the canary's rows. */
  target: string
  context: Pick<ProbeContext<any>, 'check' | 'positiveControl' | 'notObservable' | 'signal'>
}

/** Follows the runbook block by block, up to the first that does not do what it says. */
export async function attackRunbook(walk: Walk, blocks: readonly Block[]): Promise<void> {
  const { parts, cluster, canary, target, context } = walk
  const folder = cluster ? join(cluster.place().home, `proof-${newId()}`) : '/nonexistent'
  const first = await markInstant(parts.stores, undefined, canary)
  try {
    // Commands for backups that nobody makes have nothing to work on.
    for (const { name, commands } of blocks.filter((block) => cluster || !isOfCluster(block))) {
      if (cluster && isOfCluster({ name })) await untilIdle(cluster.place(), context.signal)
      const between = await markInstant(parts.stores, cluster, canary)
      const INSTANT = between.instant.toISOString()
      const variables = { TENANT: canary.slug, TARGET: target, INSTANT, FOLDER: folder }
      if (!(await followAndSee(walk, { name, commands }, { variables, first, between }))) return
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

const isOfCluster = ({ name }: Pick<Block, 'name'>) => name.startsWith('cluster-')

interface Step {
  variables: Variables
  /** Signs of life from before everything. */
  first: Between
  /** Those from just before this block. */
  between: Between
}

async function followAndSee(walk: Walk, { name, commands }: Block, step: Step): Promise<boolean> {
  const { parts, canary, context } = walk
  const { check, positiveControl, signal } = context
  const beats = () => beatsOfTarget(walk)
  if (name === 'beside') positiveControl('signs of life in the new tenant before', [], await beats())
  const later = name === 'replace' ? await beatInTarget(walk) : undefined
  if (later) positiveControl('what was written into it since', true, (await beats()).includes(later))
  if (name === 'cluster-restore') await seeLive(walk, step.between)
  const said = await follow(parts.program, commands, step.variables, signal)
  check(`the commands under "${name}", as they stand there`, 'done', said)
  if (said !== 'done') return false
  const known = step.first.after.toISOString()
  if (name === 'back-up') {
    const [newest] = await parts.catalogue.available(canary.id)
    check('there is a backup of after that', true, (newest?.snapshotAt ?? 0) > step.between.after)
  }
  if (name === 'beside')
    check('the new tenant has the rows of the other one', true, (await beats()).includes(known))
  if (later)
    check(
      'it has the rows of the backup, and what was written since is gone',
      [true, false],
      [known, later].map(
        (
          (now) => (at: string) =>
            now.includes(at)
        )(await beats()),
      ),
    )
  if (name === 'cluster-restore') await seeRestored(walk, step)
  return true
}

async function beatsOfTarget({ parts, target }: Walk): Promise<string[]> {
  const tenant = await parts.tenancy.bySlug(target)
  const beats = await parts.stores.asMigrator(
    'look at signs of life',
    (client) => beatsIn(client, tenant.id),
    storeOf(tenant),
  )
  return beats.map((at) => at.toISOString())
}

async function beatInTarget({ parts, target }: Walk): Promise<string> {
  return (await beat(await parts.tenancy.bySlug(target))).toISOString()
}

async function seeLive({ parts, cluster, context }: Walk, between: Between): Promise<void> {
  const missing = cluster ? await roomMissing(cluster) : 0
  if (missing > 0)
    context.notObservable('NO_ROOM', `The disk lacks ${missing} bytes for a copy of the cluster.`)
  context.positiveControl(
    'signs of life before and after the instant, in the live cluster',
    { before: true, after: true },
    await lookAtLive(parts.stores, between),
  )
}

async function seeRestored({ cluster, context }: Walk, { variables, between }: Step): Promise<void> {
  const { home, account } = (cluster as Cluster).place()
  const recovery = {
    cluster: variables.FOLDER,
    home: join(home, `recovery-${newId()}`),
    account,
    keep: false,
  }
  const seen = await recover({ ...recovery, signal: context.signal }, (address) => lookAt(address, between))
  context.check(
    'of these, what the folder holds, and databases in it that do not open',
    { before: true, after: false, closed: [] },
    seen,
  )
}
