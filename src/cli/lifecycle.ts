import type { Command } from 'commander'
import { defineProblem } from '../kernel/problems.ts'
import { type LifecycleApi, lifecycle } from '../modules/lifecycle/index.ts'
import { withPlatform } from './tenant.ts'

const notConfirmed = defineProblem({ code: 'not-confirmed', status: 400, title: 'Not what was confirmed' })

/** Adds to `surety tenant` what ends a tenant's time: suspension and erasure. */
export function addLifecycleCommands(tenant: Command): void {
  addSuspension(tenant)
  addErasure(tenant)
  tenant
    .command('import')
    .description('bring an export (GET /api/v1/export) into a tenant; what is there by the same key stays')
    .argument('<slug>')
    .argument('<file>')
    .action((slug: string, file: string) =>
      withLifecycle(async ({ importInto }) => {
        const { rows, leftOut, files } = await importInto(slug, file)
        for (const [table, count] of Object.entries(rows)) console.log(`${table.padEnd(32)} ${count} rows`)
        for (const table of leftOut)
          console.log(`${table.padEnd(32)} left out: sign-in, or nothing without secrets`)
        console.log(`${files} files`)
      }),
    )
}

function addSuspension(tenant: Command): void {
  tenant
    .command('suspend')
    .description('reading works, writing does not; erased when its time is over')
    .argument('<slug>')
    .action((slug: string) =>
      withLifecycle(async ({ suspend }) => {
        await suspend(slug)
        console.log(`${slug} is suspended`)
      }),
    )
  tenant
    .command('reactivate')
    .description('end a suspension')
    .argument('<slug>')
    .action((slug: string) =>
      withLifecycle(async ({ reactivate }) => {
        await reactivate(slug)
        console.log(`${slug} is active`)
      }),
    )
}

function addErasure(tenant: Command): void {
  tenant
    .command('erase-request')
    .description('a customer wants everything erased at once: open a case, whose month runs from now')
    .argument('<slug>')
    .requiredOption('--channel <text>', 'how it came in, without personal data: "privacy mailbox"')
    .action((slug: string, { channel }: { channel: string }) =>
      withLifecycle(async ({ request }) => {
        const { id, dueOn } = await request(slug, channel)
        console.log(`${id} is to be answered by ${dueOn}`)
      }),
    )
  tenant
    .command('erase')
    .description('erase everything of the tenant that a request names; there is no way back')
    .argument('<request>', 'as told by erase-request')
    .requiredOption('--identity-checked <text>', 'how it was made sure that who asked may ask')
    .requiredOption('--confirm <slug>', 'the tenant, once more')
    .action((id: string, options: { identityChecked: string; confirm: string }) =>
      withLifecycle(async (api) => {
        const found = (await api.requests()).find((request) => request.id === id)
        if (found && found.slug !== options.confirm)
          throw notConfirmed(
            `Request ${id} is for ${found.slug}, not ${options.confirm}; nothing was erased.`,
          )
        await api.confirm(id, options.identityChecked)
        console.log(JSON.stringify(await api.eraseOnRequest(id), null, 2))
      }),
    )
  tenant
    .command('erase-requests')
    .description('requests for erasure, and until when they are to be answered')
    .action(() =>
      withLifecycle(async ({ requests }) => {
        for (const { id, slug, dueOn, answeredAt } of await requests())
          console.log(
            `${id} ${slug.padEnd(24)} ${answeredAt ? `answered ${answeredAt.toISOString()}` : `to be answered by ${dueOn}`}`,
          )
      }),
    )
  tenant
    .command('erase-answer')
    .description('end a request without an erasure')
    .argument('<request>')
    .requiredOption('--answer <text>', 'what was answered, without personal data')
    .action((id: string, { answer }: { answer: string }) => withLifecycle((api) => api.answer(id, answer)))
  tenant
    .command('erasures')
    .description('tenants that were erased, or are being')
    .action(() =>
      withLifecycle(async ({ erasures }) => {
        for (const { id, slug, because, begunAt, finishedAt, done } of await erasures())
          console.log(
            `${id} ${slug.padEnd(24)} ${because.padEnd(10)} begun ${begunAt.toISOString()} ${finishedAt ? `finished ${finishedAt.toISOString()}` : `at step ${done.length + 1}`}`,
          )
      }),
    )
  tenant
    .command('receipt')
    .description('the receipt of an erasure, to send to the customer; `surety verify` checks its proof')
    .argument('<id>', 'as told by erasures')
    .action((id: string) =>
      withLifecycle(async ({ receipt }) => console.log(JSON.stringify(await receipt(id), null, 2))),
    )
  tenant
    .command('replay-erasures')
    .description('after a restore: erase again whatever it brought back of tenants that were erased')
    .action(() =>
      withLifecycle(async ({ replayLedger }) => {
        const found = await replayLedger()
        for (const [id, left] of found) console.log(`${id}: ${left.join(', ')}`)
        console.log(`${found.size} tenants erased again`)
      }),
    )
}

function withLifecycle(work: (api: LifecycleApi) => Promise<void>): Promise<void> {
  return withPlatform((platform) => work(platform.api(lifecycle)))
}
