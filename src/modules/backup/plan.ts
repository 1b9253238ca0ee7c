import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { formatDuration } from '../../kernel/duration.ts'
import type { BackupSettings, PlanSettings } from './settings.ts'

const OURS = fileURLToPath(new URL('../../../docs/DISASTER-RECOVERY.md', import.meta.url))

/** A step of the plan. */
export interface PlanStep {
  step: string
  /** A measure, a phase of the drill as `restore.drill: load`, or `people`. */
  shownBy: string
}

/** The plan for a disaster with what the settings say in it. Rejects when there is no such file. */
export async function readPlan(settings: BackupSettings, plan: PlanSettings): Promise<string> {
  const { rto, rpo, every, grace, drillEvery } = settings
  const values: Record<string, string> = {
    owner: plan.owner,
    contact: plan.contact,
    reviewedOn: plan.reviewedOn,
    reviewEvery: formatDuration(plan.reviewEvery, 'en'),
    rto: formatDuration(rto, 'en'),
    rpo: formatDuration(rpo ?? every + grace, 'en'),
    drillEvery: formatDuration(drillEvery, 'en'),
  }
  const text = await readFile(plan.fileName ?? OURS, 'utf8')
  return text.replace(/\{\{(\w+)\}\}/g, (all, name) => values[name] ?? all)
}

/** The rows of its table that begin with a number. */
export function stepsOf(plan: string): PlanStep[] {
  return [...plan.matchAll(/^\| *(\d+) *\|.*\|([^|]*)\|$/gm)].map(([, step = '', shownBy = '']) => ({
    step,
    shownBy: shownBy.trim(),
  }))
}
