import assert from 'node:assert/strict'
import type { ProofApi } from '../../src/proof/api.ts'

/** Measures that the last sabotage left green: they need not be shown so again before the next one. */
const whole = new WeakMap<ProofApi, Set<string>>()

/**
 * Shows that the proof is itself proven: `key` is proven, then `sabotage` breaks its control and the probe must go red
 * with a check that matches `seen`, then `repair` mends it and the probe is green again with the outage in the history.
 */
export async function proveBySabotage(
  proof: ProofApi,
  key: string,
  {
    sabotage,
    repair,
    seen,
  }: { sabotage: () => Promise<unknown>; repair: () => Promise<unknown>; seen: RegExp },
): Promise<void> {
  const green = whole.get(proof) ?? new Set()
  whole.set(proof, green)
  if (!green.delete(key)) {
    const before = await proof.run(key)
    assert.equal(before.outcome, 'proven', `${key} before the sabotage: ${before.reason}`)
  }
  await sabotage()
  try {
    const broken = await proof.run(key)
    assert.equal(broken.outcome, 'failed', `${key} with its control broken: ${broken.reason}`)
    const red = broken.checks.filter(({ ok }) => !ok).map(({ what }) => what)
    assert.ok(
      red.some((what) => seen.test(what)),
      `red checks: ${red.join('; ')}`,
    )
  } finally {
    await repair()
  }
  assert.equal((await proof.run(key)).outcome, 'proven', `${key} after the repair`)
  const [now, outage] = await proof.history(key, 2)
  assert.deepEqual([now?.outcome, outage?.outcome], ['proven', 'failed'])
  green.add(key)
}
