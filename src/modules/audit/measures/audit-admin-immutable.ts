import type { Stores } from '../../../data/index.ts'
import type { AsMigrator } from '../../../data/migrator.ts'
import { databases, roles } from '../../../data/roles.ts'
import { type SqlClient, withConnection } from '../../../data/sql.ts'
import { formatDuration } from '../../../kernel/duration.ts'
import { type Measure, measure } from '../../../proof/measure.ts'
import { verifyDeployment } from '../commands.ts'
import { type Sealing, sealRound } from '../sealRound.ts'
import { trySeal } from '../verifyStore.ts'

/** What somebody would try who wants an entry gone; `{t}` is the table. */
const ATTACKS = [
  "UPDATE {t} SET actor = 'system:nobody'",
  'DELETE FROM {t}',
  'TRUNCATE {t}',
  'ALTER TABLE {t} DISABLE TRIGGER ALL',
  'ALTER TABLE {t} DISABLE ROW LEVEL SECURITY',
  'ALTER TABLE {t} RENAME TO gone',
  'ALTER TABLE {t} OWNER TO CURRENT_USER',
  'ALTER TABLE {t} DROP COLUMN actor',
  'CREATE RULE quiet AS ON INSERT TO {t} DO INSTEAD NOTHING',
  'DROP TABLE {t} CASCADE',
] as const

/** Ways around it. */
const DETOURS = [
  'SET LOCAL session_replication_role = replica',
  'DROP SCHEMA audit CASCADE',
  'DROP OWNED BY surety_audit',
  'DROP EVENT TRIGGER audit_after_ddl',
  'ALTER EVENT TRIGGER audit_after_drop DISABLE',
  `CREATE OR REPLACE FUNCTION audit.refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN OLD; END'`,
  'SET LOCAL ROLE surety_audit; DELETE FROM audit.entry',
  'GRANT surety_audit TO CURRENT_USER; SET LOCAL ROLE surety_audit; DELETE FROM audit.entry',
  'ALTER TABLE identity.person DISABLE TRIGGER audit_capture',
  'DROP TRIGGER audit_capture ON identity.person',
  "SELECT audit.expire(now() - interval '91 days')",
] as const

/** PREZ-22. As every role that this deployment works as, the owner of its tables included. */
export function auditAdminImmutable(
  asMigrator: AsMigrator,
  control: Stores['control'],
  { sealEvery, keepFor }: { sealEvery: number; keepFor: number },
  sealing: Sealing | undefined,
): Measure<{ sealEvery: number; keepFor: number }> {
  return measure({
    key: 'audit.admin.immutable',
    sources: ['PREZ-22'],
    family: 'input',
    maps: { gdpr: ['5(2)', '32(1)(b)'], iso27001: ['A.8.15', 'A.5.28'] },
    settings: { sealEvery, keepFor },
    timeout: 300_000,
    claim: {
      de: ({ sealEvery, keepFor }) =>
        `Das Protokoll der Verwaltung lässt sich ${formatDuration(keepFor, 'de')} lang weder ändern noch löschen noch abschalten: von keiner Rolle, mit der diese Plattform arbeitet. Nach spätestens ${formatDuration(sealEvery, 'de')} ist jeder Eintrag versiegelt: Ändert ihn auch nur der Datenbank-Superuser, fällt es auf.`,
      en: ({ sealEvery, keepFor }) =>
        `For ${formatDuration(keepFor, 'en')} the record of administration can be neither changed nor deleted nor switched off: by no role that this platform works as. Within ${formatDuration(sealEvery, 'en')} each entry is sealed: should the database's superuser change it, it shows.`,
    },
    async prove({ check, positiveControl, notObservable }) {
      const app = (statement: string) => control.transaction((client) => attempt(client, statement))
      const migrator = (statement: string, role?: string) =>
        asMigrator('attack the audit trail', async (client) => {
          await client.query(`BEGIN; ${role ? `SET LOCAL ROLE ${role}` : ''}`)
          try {
            return await attempt(client, statement)
          } finally {
            await client.query('ROLLBACK')
          }
        })
      const planted = await migrator(
        `CREATE TABLE public.scratch (actor text); INSERT INTO public.scratch VALUES ('a'); ${ATTACKS[0].replace('{t}', 'public.scratch')}`,
        roles.owner,
      )
      positiveControl('the same change of a table that nothing protects', 'done', planted)
      const attacks = [...ATTACKS.map((attack) => attack.replace('{t}', 'audit.entry')), ...DETOURS]
      const by = {
        [roles.app]: app,
        [roles.migrator]: (statement: string) => migrator(statement),
        [roles.owner]: (statement: string) => migrator(statement, roles.owner),
      }
      for (const [role, run] of Object.entries(by)) {
        const worked: string[] = []
        for (const attack of attacks) if ((await run(attack)) === 'done') worked.push(attack)
        check(`attacks on the trail that worked for ${role}, of ${attacks.length}`, [], worked)
      }
      if (!sealing) return notObservable('NO_SEALER_HERE', 'This process cannot seal entries.')
      const early = await withConnection({ ...sealing.address, database: databases.control }, (client) =>
        outcomeOf(client, "SELECT audit.expire(now() - interval '89 days')"),
      )
      check('the role that seals lets go of entries of the last 90 days', 'refused', early)
      await sealRound(sealing)
      const compared = await withConnection({ ...sealing.address, database: databases.control }, trySeal)
      positiveControl('a sealed entry, and the same changed by one character, fit the seal', FITS, compared)
      const { entries, findings } = await verifyDeployment(sealing)
      check(`sealed entries that do not fit the evidence log, of ${entries}`, [], findings.map(withoutIds))
    },
  })
}

const FITS = { whole: true, changed: false }

/** Ids keep the commitments from being guessed: they do not go into the public log. */
const withoutIds = (finding: string): string =>
  finding.replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, '…')

async function attempt(client: SqlClient, statement: string): Promise<'done' | 'refused'> {
  await client.query('SAVEPOINT attempt')
  const outcome = await outcomeOf(client, statement)
  await client.query('ROLLBACK TO attempt')
  return outcome
}

function outcomeOf(client: SqlClient, statement: string): Promise<'done' | 'refused'> {
  return client.query(statement).then(
    () => 'done' as const,
    () => 'refused' as const,
  )
}
