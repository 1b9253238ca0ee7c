import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { z } from 'zod'
import { activeRelease, type Layout } from './layout.ts'

/** A release that ran: it was activated, and all processes said so. */
const activation = z.object({
  /** ISO 8601 instant. */
  at: z.string(),
  release: z.string(),
  build: z.string(),
})

export type Activation = z.output<typeof activation>

const fileOf = ({ folder }: Layout): string => join(folder, 'activations.jsonl')

/** The oldest first. A line that a crash tore is none. */
export function readActivations(layout: Layout): Activation[] {
  const file = fileOf(layout)
  if (!existsSync(file)) return []
  return readFileSync(file, 'utf8')
    .split('\n')
    .flatMap((line) => {
      const parsed = activation.safeParse(parse(line))
      return parsed.success ? [parsed.data] : []
    })
}

/** Written once it is so, unless it is the last that was; on a line of its own, whatever a crash left of the one before. */
export function recordActivation(layout: Layout, { at, release, build }: Activation): void {
  const last = readActivations(layout).at(-1)
  if (last?.release === basename(release) && last.build === build) return
  const line = JSON.stringify({ at, release: basename(release), build })
  appendFileSync(fileOf(layout), `\n${line}`, { flush: true })
}

/** The release that ran last before the active one and is still there. */
export function releaseBefore(layout: Layout): string | undefined {
  const active = activeRelease(layout)
  return readActivations(layout)
    .map(({ release }) => join(layout.releases, release))
    .findLast((release) => release !== active && existsSync(release))
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}
