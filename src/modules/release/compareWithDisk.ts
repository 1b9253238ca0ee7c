import { setTimeout as sleep } from 'node:timers/promises'
import { buildOf } from '../../kernel/build.ts'
import type { Clock } from '../../kernel/clock.ts'
import { changedFiles } from './findFlaws.ts'
import { activeRelease, activeSince, layoutOf } from './layout.ts'
import { otherBuilds } from './otherBuilds.ts'
import { runningProcesses, type Watched } from './sight.ts'

const LOOK_AGAIN = 200

/** What runs against what lies on the disk. While a release is being gone over to, it waits until that must be over. */
export async function compareWithDisk(
  own: string,
  { watched, clock, within }: { watched: Watched; clock: Clock; within: number },
): Promise<{ processes: string[]; files: string[] }> {
  for (;;) {
    const layout = layoutOf(own)
    const release = (layout && activeRelease(layout)) ?? own
    const processes = otherBuilds(await runningProcesses(watched), buildOf(release))
    const since = (layout && activeSince(layout))?.getTime() ?? 0
    if (processes.length === 0 || clock.now().getTime() > since + within)
      return { processes, files: changedFiles(release) }
    await sleep(LOOK_AGAIN)
  }
}
