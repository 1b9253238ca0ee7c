import { z } from 'zod'
import { stores } from '../../data/index.ts'
import { defineModule } from '../../kernel/module.ts'
import { dbProjectIsolation } from './measures/db-project-isolation.ts'
import { dbRoleApp } from './measures/db-role-app.ts'
import { migrateLock } from './measures/migrate-lock.ts'

/** What the database server must be for the tenants' walls to stand. */
export const database = defineModule({
  name: 'database',
  needs: { stores },
  settings: z.object({}),
  start: async (_context, { stores }) => ({
    api: null,
    measures: [dbRoleApp, dbProjectIsolation, migrateLock].map((of) => of(stores.asMigrator)),
  }),
})
