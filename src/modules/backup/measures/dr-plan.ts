import { formatDuration } from '../../../kernel/duration.ts'
import type { ProofApi } from '../../../proof/api.ts'
import { type Measure, measure } from '../../../proof/measure.ts'
import { type DrillParts, drill } from '../drill.ts'
import { type DrillReport, drillsSince } from '../drillLog.ts'
import { type PlanStep, readPlan, stepsOf } from '../plan.ts'
import type { PlanSettings } from '../settings.ts'
import { canariesToDrill } from './restore-drill.ts'

interface Plan {
  drillEvery: number
  plan: Pick<PlanSettings, 'owner' | 'reviewedOn' | 'reviewEvery'> | null
}

/** What shows a step that no machine can see. */
const PEOPLE = 'people'
const DRILL = 'restore.drill: '

/** LARA-16. What people do in a disaster is attested by whoever went through the plan; the rest is shown here. */
export function drPlan(parts: DrillParts, proof: Pick<ProofApi, 'result' | 'run'>): Measure<Plan> {
  const { settings } = parts
  const { drillEvery, plan } = settings
  return measure<Plan>({
    key: 'dr.plan',
    sources: ['LARA-16'],
    family: 'recoverability',
    maps: { gdpr: ['32(1)(c)', '32(1)(d)'], iso27001: ['A.5.29', 'A.5.30'] },
    // The contact is for those who hold the plan, not for the trust center.
    settings: { drillEvery, plan: plan ? pick(plan) : null },
    timeout: 3_600_000,
    claim: { de: claimDe, en: claimEn },
    async prove({ check, positiveControl, notApplicable, clock }) {
      if (!plan) return notApplicable('The settings name nobody who answers for a plan (backup.plan).')
      if (settings.mode === 'snapshot')
        return notApplicable('This deployment relies on snapshots of the whole machine.')
      const text = await readPlan(settings, plan).catch(() => '')
      check('the plan says of itself', NOTHING_MISSING, lookAt(text, plan))
      positiveControl('the same look at an empty plan', false, lookAt('', plan).steps)
      const steps = stepsOf(text)
      const last = await lastDrill(parts, new Date(clock.now().getTime() - drillEvery))
      check('the last drill, not longer ago than promised, passed', true, last?.passed ?? null)
      check('steps that the last drill did not go through', [], notDrilled(steps, last))
      positiveControl(
        'the same look at a drill that went through nothing',
        true,
        notDrilled([{ step: '1', shownBy: `${DRILL}load` }], last && { ...last, phases: {} }).length === 1,
      )
      check('steps whose measure is not green', [], await notGreen(steps, proof))
      const due = (at: string) => clock.now().getTime() > Date.parse(at) + plan.reviewEvery
      check('going through the plan again is overdue', false, due(plan.reviewedOn))
      positiveControl('the same question for a day in 1970', true, due('1970-01-01'))
    },
  })
}

const pick = ({ owner, reviewedOn, reviewEvery }: PlanSettings) => ({ owner, reviewedOn, reviewEvery })

function claimDe({ drillEvery, plan }: Plan): string {
  const review = plan
    ? ` Verantwortlich: ${plan.owner}; zuletzt durchgegangen am ${plan.reviewedOn.split('-').reverse().join('.')}, mindestens alle ${formatDuration(plan.reviewEvery, 'de')}.`
    : ''
  return `Für den Notfall gibt es einen schriftlichen Plan mit Zuständigkeit, Kontakt und Schritten; was eine Maschine zeigen kann, wird mindestens alle ${formatDuration(drillEvery, 'de')} geübt.${review}`
}

function claimEn({ drillEvery, plan }: Plan): string {
  const review = plan
    ? ` Owner: ${plan.owner}; last gone through on ${plan.reviewedOn}, at least every ${formatDuration(plan.reviewEvery, 'en')}.`
    : ''
  return `There is a written plan for a disaster with owner, contact and steps; what a machine can show of it is rehearsed at least every ${formatDuration(drillEvery, 'en')}.${review}`
}

const NOTHING_MISSING = { version: true, owner: true, contact: true, steps: true, unfilled: [], unshown: [] }

/** What a plan has to say: its version, whom to call, and steps that each name what shows them. */
function lookAt(text: string, { owner, contact }: PlanSettings): typeof NOTHING_MISSING {
  const steps = stepsOf(text)
  const unshown = steps.filter(({ shownBy }) => shownBy === '').map(({ step }) => step)
  return {
    version: /\bVersion \d+/.test(text),
    owner: text.includes(owner),
    contact: text.includes(contact),
    steps: steps.some(({ shownBy }) => shownBy.startsWith(DRILL)),
    unfilled: (text.match(/\{\{\w+\}\}/g) ?? []) as never[],
    unshown: unshown as never[],
  }
}

/** The newest since then; when there is none, one that is done now. */
async function lastDrill(parts: DrillParts, since: Date): Promise<DrillReport | undefined> {
  const [last] = await drillsSince(parts.stores, since, 1)
  if (last) return last
  const [canary] = await canariesToDrill(parts)
  return canary && drill(parts, canary)
}

function notDrilled(steps: readonly PlanStep[], last: DrillReport | undefined): string[] {
  return steps
    .filter(
      ({ shownBy }) => shownBy.startsWith(DRILL) && !(shownBy.slice(DRILL.length) in (last?.phases ?? {})),
    )
    .map(({ step, shownBy }) => `${step}: ${shownBy}`)
}

/** Measures that never ran are run now. A claim that this deployment does not make needs no step. */
async function notGreen(
  steps: readonly PlanStep[],
  proof: Pick<ProofApi, 'result' | 'run'>,
): Promise<string[]> {
  const red: string[] = []
  for (const { step, shownBy } of steps) {
    if (shownBy === '' || shownBy === PEOPLE || shownBy.startsWith(DRILL)) continue
    const known = (await proof.result(shownBy))?.outcome ?? 'no such measure'
    const outcome = known === 'never-run' ? (await proof.run(shownBy)).outcome : known
    if (outcome !== 'proven' && outcome !== 'not-applicable') red.push(`${step}: ${shownBy} is ${outcome}`)
  }
  return red
}
