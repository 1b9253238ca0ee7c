import { appendFileSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { isIP } from 'node:net'
import { join } from 'node:path'
import type { Clock } from '../../kernel/clock.ts'
import type { Log } from '../../kernel/log.ts'
import type { Decision } from './decide.ts'
import { networks } from './networks.ts'

/** Who wrote a decision down: the process that calls, or the proxy that lets it out. */
type Writer = 'client' | 'proxy'

/** A decision as it was written down. */
export interface Recorded extends Decision {
  /** ISO 8601 instant. */
  at: string
  by: Writer
}

/** What was decided about connections out of this machine. */
export interface DecisionLog {
  /** Written when this returns; what was not plainly allowed is also an alarm in the log. */
  record(decision: Decision, by: Writer): void
  /** The newest first. */
  recent(most: number): Recorded[]
}

const NAME = /^(\d{4}-\d\d-\d\d)\.(client|proxy)\.jsonl$/
const DAY = 86_400_000

/**
 * One file of JSON lines a day and writer in `folder`, kept for `keepFor` milliseconds. Each line is one append, so
 * processes share a file and a crash tears at most the line it was writing.
 */
export function openDecisionLog(
  folder: string,
  { clock, log, keepFor }: { clock: Clock; log: Log; keepFor: number },
): DecisionLog {
  mkdirSync(folder, { recursive: true, mode: 0o750 })
  let today = ''
  return {
    record(decision, by) {
      const at = clock.now().toISOString()
      if (at.slice(0, 10) !== today) {
        today = at.slice(0, 10)
        prune(folder, clock.now().getTime() - keepFor)
      }
      const line = `${JSON.stringify({ at, by, ...decision })}\n`
      appendFileSync(join(folder, `${today}.${by}.jsonl`), line, { mode: 0o640 })
      if (decision.verdict === 'allowed') return
      const { caller, host, port, verdict, reason } = decision
      if (isNobodys(host)) return
      log.warn({ alarm: 'egress', caller, host, port, verdict, reason }, 'a connection out was not foreseen')
    },
    recent(most) {
      const found: Recorded[] = []
      let day = ''
      for (const name of filesOf(folder).reverse()) {
        if (found.length >= most && name.slice(0, 10) !== day) break
        day = name.slice(0, 10)
        found.push(...readLines(join(folder, name)))
      }
      return found.sort((a, b) => (a.at < b.at ? 1 : -1)).slice(0, most)
    },
  }
}

const documentation = networks(['192.0.2.0/24', '2001:db8::/32'])

/** What our own probes try: a host that nobody can have (RFC 2606, 5737, 3849) wakes nobody. */
const isNobodys = (host: string): boolean =>
  host.endsWith('.invalid') || (isIP(host) !== 0 && documentation(host))

const filesOf = (folder: string): string[] =>
  readdirSync(folder)
    .filter((name) => NAME.test(name))
    .sort()

/** A day's file goes when its last possible line is too old. */
function prune(folder: string, before: number): void {
  for (const name of filesOf(folder))
    if (Date.parse(name.slice(0, 10)) + DAY < before) rmSync(join(folder, name), { force: true })
}

function readLines(file: string): Recorded[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .flatMap((line) => {
      try {
        return [JSON.parse(line) as Recorded]
      } catch {
        return [] // the empty one at the end, or one torn by a crash
      }
    })
}
