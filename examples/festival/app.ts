import type { App } from '../../src/index.ts'
import { seedDemo } from './demo.ts'
import { festival } from './index.ts'

/** What `npm start` boots: two festivals, one in each isolation model. */
const app: App = {
  modules: [festival],
  demo: {
    tenants: [
      { slug: 'elbklang', name: 'Elbklang Festival', model: 'database' },
      { slug: 'waldrausch', name: 'Waldrausch Open Air', model: 'rows' },
    ],
    seed: seedDemo,
  },
}

export default app
