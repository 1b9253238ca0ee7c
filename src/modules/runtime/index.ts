import { z } from 'zod'
import { stores } from '../../data/index.ts'
import { duration } from '../../kernel/duration.ts'
import { defineModule } from '../../kernel/module.ts'
import { edge } from '../edge/index.ts'
import { jobs } from '../jobs/index.ts'
import { health } from './measures/health.ts'
import { shutdownCap } from './measures/shutdown-cap.ts'
import { shutdownGraceful } from './measures/shutdown-graceful.ts'
import { startTrial } from './trial.ts'
import { startWorkerAtJob } from './workerTrial.ts'

/** How processes of the deployment say that they are well, and how they end. */
export const runtime = defineModule({
  name: 'runtime',
  needs: { stores, edge, jobs },
  settings: z.object({
    /** A process that was asked to end finishes what is under way, but is gone after this. */
    shutdownTimeout: duration.default(10_000),
    /** What this deployment is for; NODE_ENV says it too. Real money and real data belong into production alone. */
    environment: z.enum(['production', 'staging', 'development', 'test']).default('development'),
  }),
  async start({ settings, program }, { stores, edge, jobs }) {
    const trial = (env: Record<string, string> = {}) => startTrial(program, edge, env)
    const workerAtJob = () => startWorkerAtJob(program, jobs.drill)
    return {
      api: { shutdownTimeout: settings.shutdownTimeout, environment: settings.environment },
      measures: [
        health(trial, stores.address, program.release),
        shutdownGraceful(trial, workerAtJob),
        shutdownCap(settings, trial, workerAtJob),
      ],
    }
  },
})
