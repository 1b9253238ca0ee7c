import type { TestPlatform } from './platform.ts'

/**
 * Sabotage below the application: `body` (PL/pgSQL on NEW and OLD) changes every row of `table` as it is written. Undone
 * by `repair`.
 */
export function rewriteRows(
  platform: TestPlatform,
  database: string,
  table: string,
  when: string,
  body: string,
): { sabotage: () => Promise<unknown>; repair: () => Promise<unknown> } {
  const run = (statement: string) => platform.asSuperuser(database, (client) => client.query(statement))
  return {
    sabotage: () =>
      run(`CREATE FUNCTION public.sabotage() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS
          $$ BEGIN ${body} RETURN NEW; END $$;
        CREATE TRIGGER sabotage BEFORE ${when} ON ${table} FOR EACH ROW EXECUTE FUNCTION public.sabotage()`),
    repair: () => run('DROP FUNCTION public.sabotage() CASCADE'),
  }
}
