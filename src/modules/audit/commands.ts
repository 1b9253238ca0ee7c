import { withConnection } from '../../data/sql.ts'
import type { ModuleCommand } from '../../kernel/commands.ts'
import { defineProblem } from '../../kernel/problems.ts'
import { CONTROL, type Sealing, sealRound, type TrailStore, trailStores } from './sealRound.ts'
import type { TrailReport } from './verifyStore.ts'
import { type InStore, verifyTrails } from './verifyTrail.ts'

const notIntact = defineProblem({
  code: 'trail-not-intact',
  status: 409,
  title: 'The audit trail was changed',
})

/** What an operator can do with the trails from the command line. */
export function auditCommands(sealing: Sealing): ModuleCommand[] {
  return [
    {
      name: 'audit:seal',
      takes: [],
      description: 'seal what is new in every audit trail now',
      run: async (_args, print) => print(`${await sealRound(sealing)} entries sealed`),
    },
    {
      name: 'audit:verify',
      takes: [],
      description: 'compare every sealed entry of every audit trail with the evidence log',
      async run(_args, print) {
        const { entries, unsealed, unproven, findings } = await verifyAll(sealing)
        for (const finding of findings) print(`✕ ${finding}`)
        print(`${entries} sealed entries compared, ${unsealed} not sealed yet`)
        if (unproven > 0) print(`${unproven} entries name an actor whom the platform did not seal`)
        if (findings.length > 0)
          throw notIntact(`${findings.length} findings; the evidence log holds what stood there before.`)
      },
    },
  ]
}

/** Verifies the trails of all stores with the sealer's role, which reads them and cannot change them. */
async function verifyAll(sealing: Sealing): Promise<TrailReport> {
  return verify(sealing, await trailStores(sealing.tenancy))
}

/** Verifies the deployment's own trail, and every round of sealing. */
export function verifyDeployment(sealing: Sealing): Promise<TrailReport> {
  return verify(sealing, [CONTROL])
}

async function verify(
  { proof, address, tenancy }: Sealing,
  stores: readonly TrailStore[],
): Promise<TrailReport> {
  const inStore: InStore = ({ database }, work) => withConnection({ ...address, database }, work)
  const tenants = new Set((await tenancy.list()).map(({ id }) => id))
  return inStore(CONTROL, (client) => verifyTrails(proof, client, stores, tenants, inStore))
}
