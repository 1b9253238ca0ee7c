import { Problem } from '../../kernel/problems.ts'
import type { EdgeAnswer, EdgeApi } from '../edge/index.ts'
import { type IdentityApi, tenantRealm } from '../identity/index.ts'
import type { TenancyApi, Tenant } from '../tenancy/index.ts'
import type { LifecycleApi } from './api.ts'
import { type ErasureParts, erase } from './erasure.ts'

/** What the probes of this module work with. */
export interface ProbeParts {
  lifecycle: LifecycleApi
  erasing: ErasureParts
  identity: IdentityApi
  edge: EdgeApi
  /** Milliseconds that a suspended tenant stays. */
  grace: number
  timeZone: string
}

/** Runs `work` with a canary of its own in each isolation model; none is left, whatever happens. */
export async function withTrials(
  { erasing }: ProbeParts,
  work: (trial: Tenant, model: string) => Promise<void>,
): Promise<void> {
  for (const { model } of await erasing.tenancy.canaries.find()) {
    const trial = await erasing.tenancy.canaries.trial(model)
    try {
      await work(trial, model)
    } finally {
      await endTrial(erasing, trial.slug)
    }
  }
}

/** One that the probe erased itself, or whose erasure goes on later, is not there any more. */
async function endTrial(erasing: ErasureParts, slug: string): Promise<void> {
  await erase(erasing, slug, { because: 'trial over' }).catch((error: unknown) => {
    if (!(error instanceof Problem && error.code === 'tenant-not-found')) throw error
  })
}

/** An owner of the trial, signed in: asks its host through the front door. */
export async function signInTo(
  { identity, edge }: ProbeParts,
  trial: Tenant,
): Promise<(method: string, path: string) => Promise<EdgeAnswer>> {
  const realm = tenantRealm(trial)
  const person = { email: 'owner@canary.invalid', name: 'Owner', role: 'owner', password: null }
  const id = await identity.people.add(realm, person)
  const { access } = await identity.sessions.begin(
    realm,
    { id, password: null },
    { device: 'probe', factors: ['pwd', 'otp'] },
  )
  const host = trial.hosts[0] as string
  return (method, path) => {
    const headers = { authorization: `Bearer ${access}`, 'content-type': 'application/json' }
    const body = ['GET', 'HEAD'].includes(method) ? {} : { body: '{}' }
    return edge.request({ host, path, method, headers, ...body })
  }
}

/** The tenant as it is now; throws when it is gone. */
export function again(tenancy: TenancyApi, { slug }: Tenant): Promise<Tenant> {
  return tenancy.bySlug(slug)
}

/** `done`, or the code of what refused. */
export async function outcomeOf(attempt: Promise<unknown>): Promise<string> {
  return attempt.then(
    () => 'done',
    (error: { code?: unknown }) => {
      if (typeof error.code !== 'string') throw error
      return error.code
    },
  )
}
