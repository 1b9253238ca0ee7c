import { appendFileSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
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
  /** Raises an alarm for what `by` did not plainly allow since the last call; at the first call for nothing. */
  follow(by: Writer): void
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
  const since = openTail()
  const turnDay = () => {
    const now = clock.now()
    if (now.toISOString().slice(0, 10) === today) return
    today = now.toISOString().slice(0, 10)
    prune(folder, now.getTime() - keepFor)
  }
  return {
    record(decision, by) {
      const at = clock.now().toISOString()
      turnDay()
      const line = `${JSON.stringify({ at, by, ...decision })}\n`
      appendFileSync(join(folder, `${today}.${by}.jsonl`), line, { mode: 0o640 })
      tell(log, decision)
    },
    follow(by) {
      turnDay()
      for (const decision of since(join(folder, `${today}.${by}.jsonl`))) tell(log, decision)
    },
    recent(most) {
      const found: Recorded[] = []
      let day = ''
      for (const name of filesOf(folder).reverse()) {
        if (found.length >= most && name.slice(0, 10) !== day) break
        day = name.slice(0, 10)
        found.push(...parseLines(readFileSync(join(folder, name), 'utf8')))
      }
      return found.sort((a, b) => (a.at < b.at ? 1 : -1)).slice(0, most)
    },
  }
}

function tell(log: Log, { caller, host, port, verdict, reason }: Decision): void {
  if (verdict === 'allowed' || isNobodys(host)) return
  log.warn({ alarm: 'egress', caller, host, port, verdict, reason }, 'a connection out was not foreseen')
}

/** What was appended to a file since the last call for it; of the first file, only what comes after the first call. */
function openTail(): (file: string) => Recorded[] {
  let known: string | undefined
  let seen = 0
  return (file) => {
    const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0
    if (file !== known) seen = known === undefined ? size : 0
    known = file
    if (size <= seen) return []
    const bytes = readFileSync(file).subarray(seen)
    const whole = bytes.lastIndexOf('\n') + 1
    seen += whole
    return parseLines(bytes.subarray(0, whole).toString())
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

function parseLines(text: string): Recorded[] {
  return text.split('\n').flatMap((line) => {
    try {
      return [JSON.parse(line) as Recorded]
    } catch {
      return [] // the empty one at the end, or one torn by a crash
    }
  })
}
