import type { ProofApi } from '../../proof/api.ts'
import type { Alerts } from './alerts.ts'

const PREFIX = 'measure:'

/** Raises an alert for each promise whose newest proof failed, and ends it when that is no longer so. */
export async function lookAtMeasures(proof: Pick<ProofApi, 'results'>, alerts: Alerts): Promise<void> {
  const { measures } = await proof.results()
  const failed = new Map(
    measures.flatMap(({ key, outcome, reason }) => (outcome === 'failed' ? [[PREFIX + key, reason]] : [])),
  )
  const open = await alerts.open(PREFIX)
  for (const [name, reason] of failed)
    if (!open.includes(name as string))
      await alerts.raise({ name: name as string, details: { reason }, canary: false, lasting: true })
  for (const name of open) if (!failed.has(name)) await alerts.clear(name)
}
