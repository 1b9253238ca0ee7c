import { z } from 'zod'
import { stores } from '../../data/index.ts'
import { defineModule } from '../../kernel/module.ts'
import { dbProjectIsolation } from './measures/db-project-isolation.ts'
import { dbRoleApp } from './measures/db-role-app.ts'
import { dbRoleMigrator } from './measures/db-role-migrator.ts'
import { dbTransport } from './measures/db-transport.ts'
import { migrateLock } from './measures/migrate-lock.ts'
import { migrateRerun } from './measures/migrate-rerun.ts'

/** What the database server must be for the tenants' walls to stand. */
export const database = defineModule({
  name: 'database',
  needs: { stores },
  settings: z.object({}),
  async start({ program }, { stores }) {
    const { asMigrator, address, appPassword } = stores
    return {
      api: null,
      measures: [
        dbRoleApp(asMigrator),
        dbRoleMigrator(asMigrator, { address, password: appPassword }, program),
        dbProjectIsolation(asMigrator),
        dbTransport(asMigrator, address),
        migrateLock(asMigrator),
        migrateRerun(asMigrator),
      ],
    }
  },
})
