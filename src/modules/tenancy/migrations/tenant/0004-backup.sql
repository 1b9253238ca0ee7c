-- Backups of pooled rows are read under row-level security too. pg_dump refuses policies that look into a view (since
-- CVE-2024-7348), as the context does, so the role that dumps has a policy of its own, which reads the tenant's id
-- unsealed: only the migrator can become that role, and it sees every row anyway.
CREATE OR REPLACE FUNCTION tenancy.protect_from_others(target regclass) RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
  tenant_column smallint;
  offender text;
BEGIN
  SELECT attnum INTO tenant_column FROM pg_attribute
  WHERE attrelid = target AND attname = 'tenant_id' AND atttypid = 'uuid'::regtype AND attnotnull;
  IF tenant_column IS NULL THEN
    RAISE EXCEPTION '% needs a column "tenant_id uuid NOT NULL DEFAULT tenancy.current()"', target;
  END IF;

  SELECT indexrelid::regclass::text INTO offender FROM pg_index
  WHERE indrelid = target AND indisunique AND indkey[0] <> tenant_column;
  IF offender IS NOT NULL THEN
    RAISE EXCEPTION 'unique index % of % does not lead with tenant_id: it would tell one tenant what another has', offender, target;
  END IF;

  SELECT conname INTO offender FROM pg_constraint
  WHERE conrelid = target AND contype = 'f' AND NOT tenant_column = ANY (conkey);
  IF offender IS NOT NULL THEN
    RAISE EXCEPTION 'foreign key % of % leaves out tenant_id: it would reach into another tenant', offender, target;
  END IF;

  EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', target);
  EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', target);
  EXECUTE format(
    'CREATE POLICY tenant ON %s TO surety_tenant USING (tenant_id = (SELECT c.tenant_id FROM tenancy.context c)) '
    'WITH CHECK (tenant_id = (SELECT c.tenant_id FROM tenancy.context c))', target);
  EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO surety_tenant', target);
  PERFORM tenancy.let_back_up(target);
END $$;

-- Opens a protected table to the role that dumps.
CREATE FUNCTION tenancy.let_back_up(target regclass) RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
  EXECUTE format('CREATE POLICY backup ON %s FOR SELECT TO surety_backup USING (tenant_id = tenancy.current())', target);
  EXECUTE format('GRANT SELECT ON %s TO surety_backup', target);
  EXECUTE format('GRANT USAGE ON SCHEMA %I TO surety_backup',
    (SELECT n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = target));
END $$;

GRANT USAGE ON SCHEMA tenancy TO surety_backup;

-- Tables that were protected before.
DO $$
DECLARE
  target regclass;
BEGIN
  FOR target IN SELECT p.polrelid FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid
    WHERE p.polname = 'tenant' AND pg_get_userbyid(c.relowner) = current_user LOOP
    EXECUTE format('ALTER POLICY tenant ON %s TO surety_tenant', target);
    PERFORM tenancy.let_back_up(target);
  END LOOP;
END $$;
