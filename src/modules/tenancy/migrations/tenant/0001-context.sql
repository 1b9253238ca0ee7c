-- The tenant's context in a tenant store: who the current transaction works for, and the tool that puts a table behind it.
CREATE SCHEMA tenancy;
GRANT USAGE ON SCHEMA tenancy TO surety_tenant;

-- Sealing keys: the current one, and during rotation the one before. Only the owner and the migrator read them; the
-- context view below does so on behalf of a tenant role without showing them.
CREATE TABLE tenancy.seal_key (
  fingerprint text PRIMARY KEY,
  key bytea NOT NULL CHECK (length(key) = 32)
);
ALTER TABLE tenancy.seal_key ALTER key SET STATISTICS 0;

-- The tenant named by the context, unchecked: only the default of `tenant_id`, which the policies then check.
CREATE FUNCTION tenancy.current() RETURNS uuid LANGUAGE sql STABLE
RETURN left(nullif(current_setting('app.tenant', true), ''), 36)::uuid;

-- The tenant of a valid context, else no row. See src/data/seal.ts for the form. Policies ask it once a statement. A
-- view rather than a SECURITY DEFINER function: the same protection of the key (a view reads with its owner's rights),
-- but planned once with the statement (measured: 5 to 10 µs less a query). security_barrier keeps a caller's own
-- functions from running before the check.
CREATE VIEW tenancy.context WITH (security_barrier) AS
SELECT left(current_setting('app.tenant', true), 36)::uuid AS tenant_id
FROM tenancy.seal_key k
WHERE CASE WHEN length(current_setting('app.tenant', true)) = 112 THEN
  crypto.hmac(left(current_setting('app.tenant', true), 47)::bytea, k.key, 'sha256')
    = decode(right(current_setting('app.tenant', true), 64), 'hex')
  AND to_timestamp(substr(current_setting('app.tenant', true), 38, 10)::double precision) > now()
ELSE false END;
GRANT SELECT ON tenancy.context TO surety_tenant;

-- Puts a table behind the tenant's context: call it at the end of the migration that makes the table. Refuses a table
-- whose keys could tell one tenant about another.
CREATE FUNCTION tenancy.protect(target regclass) RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog AS $$
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
    'CREATE POLICY tenant ON %s USING (tenant_id = (SELECT c.tenant_id FROM tenancy.context c)) '
    'WITH CHECK (tenant_id = (SELECT c.tenant_id FROM tenancy.context c))', target);
  EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO surety_tenant', target);
END $$;
