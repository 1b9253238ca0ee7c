import type { ModuleCommand } from '../../kernel/commands.ts'
import type { JobsApi } from './job.ts'

const MOST_LISTED = 200

/** What an operator does with jobs at the command line. */
export function jobCommands(jobs: JobsApi): ModuleCommand[] {
  return [
    {
      name: 'jobs:list',
      takes: [],
      description: 'how many jobs of each kind wait, run and were given up',
      async run(_, print) {
        for (const { kind, waiting, running, delayed, dead, progress } of await jobs.counts()) {
          print(
            `${kind.padEnd(28)} ${waiting} waiting, ${delayed} delayed, ${running} running, ${dead} given up`,
          )
          for (const { id, tenant, done, total } of progress)
            print(`  ${id} ${tenant ?? ''} ${done} of ${total}`)
        }
      },
    },
    {
      name: 'jobs:dead',
      takes: [],
      description: 'jobs that were given up, newest first',
      async run(_, print) {
        for (const { kind, id, tenant, attempts, reason, diedAt } of await jobs.dead(MOST_LISTED))
          print(`${diedAt} ${kind} ${id} ${tenant ?? '-'} after ${attempts}: ${reason}`)
      },
    },
    {
      name: 'jobs:retry',
      takes: ['kind', 'id'],
      description: 'try a job again that was given up',
      async run([kind = '', id = ''], print) {
        await jobs.retry(kind, id)
        print(`${id} is tried again.`)
      },
    },
    {
      name: 'jobs:discard',
      takes: ['kind', 'id'],
      description: 'remove a job that was given up',
      async run([kind = '', id = ''], print) {
        await jobs.discard(kind, id)
        print(`${id} is removed.`)
      },
    },
  ]
}
