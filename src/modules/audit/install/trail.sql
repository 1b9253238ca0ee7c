-- The audit trail of one database. Installed by the superuser, who owns all of it: nobody who works here, the migrator
-- included, can change the trail, its rules or the capture of changes. Safe to repeat. `:installer` is that superuser.
CREATE SCHEMA IF NOT EXISTS audit;
GRANT USAGE ON SCHEMA audit TO PUBLIC;

CREATE TABLE IF NOT EXISTS audit.entry (
  -- Whose data it was; all zeros for what concerns the deployment.
  tenant_id uuid NOT NULL,
  at timestamptz NOT NULL DEFAULT clock_timestamp(),
  -- Random: it also keeps the published commitment to the entry from being guessed.
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  -- Entries below the oldest running transaction are complete: that is what gets sealed.
  xact xid8 NOT NULL DEFAULT pg_current_xact_id(),
  login name NOT NULL DEFAULT session_user,
  -- A sealed actor (src/data/actor.ts), or empty when nobody was named.
  actor text NOT NULL,
  who text NOT NULL GENERATED ALWAYS AS (split_part(actor, ' ', 1)) STORED,
  -- INSERT, UPDATE, DELETE, TRUNCATE: a change that the database itself saw. In lower case: an act that a module told.
  act text NOT NULL CHECK (act IN ('INSERT', 'UPDATE', 'DELETE', 'TRUNCATE') OR act ~ '^[a-z][a-z0-9.-]{2,59}$'),
  target text NOT NULL CHECK (length(target) <= 300),
  before jsonb,
  after jsonb,
  PRIMARY KEY (tenant_id, at, id)
);
CREATE INDEX IF NOT EXISTS entry_xact ON audit.entry (xact);
ALTER TABLE audit.entry ENABLE ROW LEVEL SECURITY;

CREATE OR REPLACE FUNCTION audit.refuse() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
  -- audit.forget alone gets here as the owner: no role that works here can delete at all.
  IF TG_OP = 'DELETE' AND current_setting('audit.forgetting', true) <> ''
    AND current_user = (SELECT tableowner FROM pg_tables WHERE schemaname = 'audit' AND tablename = 'entry') THEN
    RETURN NULL;
  END IF;
  RAISE EXCEPTION 'the audit trail is append-only' USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE OR REPLACE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit.entry EXECUTE FUNCTION audit.refuse();
ALTER TABLE audit.entry ENABLE ALWAYS TRIGGER append_only;

-- Columns whose content is never copied into the trail: by their name, by their type, or because their comment begins
-- with the word "secret".
CREATE OR REPLACE FUNCTION audit.secret_columns(target regclass) RETURNS text[] LANGUAGE sql STABLE SET search_path = pg_catalog
RETURN (SELECT coalesce(array_agg(a.attname::text ORDER BY a.attname), '{}') FROM pg_attribute a
  WHERE a.attrelid = target AND a.attnum > 0 AND NOT a.attisdropped
    AND (a.attname ~ '(password|passwd|passphrase|secret|token|hash|credential|private|cipher|sealed|api_?key)'
      OR a.atttypid = 'bytea'::regtype OR col_description(target, a.attnum) ~* '^secret'));

CREATE OR REPLACE FUNCTION audit.masked(content jsonb, other jsonb, secrets text[]) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog AS $$
DECLARE
  name text;
BEGIN
  FOREACH name IN ARRAY secrets LOOP
    IF content->name IS DISTINCT FROM 'null'::jsonb THEN
      content := jsonb_set(content, ARRAY[name],
        CASE WHEN other IS NULL OR other->name = content->name THEN '"(secret)"'::jsonb ELSE '"(secret, changed)"'::jsonb END);
    END IF;
  END LOOP;
  RETURN content;
END $$;

-- The trigger that every captured table has. Its arguments are the table's secret columns.
CREATE OR REPLACE FUNCTION audit.capture() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
  before jsonb;
  after jsonb;
BEGIN
  IF TG_OP <> 'INSERT' THEN before := to_jsonb(OLD); END IF;
  IF TG_OP <> 'DELETE' THEN after := to_jsonb(NEW); END IF;
  IF TG_NARGS > 0 THEN
    DECLARE
      clear_before jsonb := before;
    BEGIN
      IF before IS NOT NULL THEN before := audit.masked(before, after, TG_ARGV); END IF;
      IF after IS NOT NULL THEN after := audit.masked(after, clear_before, TG_ARGV); END IF;
    END;
  END IF;
  INSERT INTO audit.entry (tenant_id, actor, act, target, before, after) VALUES (
    :tenant_of_row, coalesce(current_setting('app.actor', true), ''), TG_OP,
    TG_TABLE_SCHEMA || '.' || TG_TABLE_NAME, before, after);
  RETURN NULL;
END $$;
ALTER FUNCTION audit.capture() OWNER TO surety_audit;
REVOKE EXECUTE ON FUNCTION audit.capture() FROM PUBLIC;

CREATE OR REPLACE FUNCTION audit.capture_truncate() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
  INSERT INTO audit.entry (tenant_id, actor, act, target) VALUES (
    '00000000-0000-0000-0000-000000000000', coalesce(current_setting('app.actor', true), ''), TG_OP,
    TG_TABLE_SCHEMA || '.' || TG_TABLE_NAME);
  RETURN NULL;
END $$;
ALTER FUNCTION audit.capture_truncate() OWNER TO surety_audit;
REVOKE EXECUTE ON FUNCTION audit.capture_truncate() FROM PUBLIC;

DROP POLICY IF EXISTS writer ON audit.entry;
CREATE POLICY writer ON audit.entry FOR INSERT TO surety_audit WITH CHECK (true);
GRANT INSERT ON audit.entry TO surety_audit;
DROP POLICY IF EXISTS sealer ON audit.entry;
CREATE POLICY sealer ON audit.entry FOR SELECT TO surety_sealer USING (true);
GRANT SELECT ON audit.entry TO surety_sealer, surety_migrator;

-- The tables to capture, each with what its trigger lacks; empty text when nothing.
CREATE OR REPLACE FUNCTION audit.captured_tables() RETURNS TABLE (name regclass, lack text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog
BEGIN ATOMIC
  SELECT c.oid::regclass, CASE
    WHEN t.oid IS NULL THEN 'no trigger'
    WHEN t.tgenabled <> 'A' THEN 'the trigger is switched off'
    WHEN t.tgtype <> 29 OR t.tgqual IS NOT NULL OR t.tgattr::text <> '' THEN 'the trigger does not see every change'
    WHEN u.oid IS NULL OR u.tgenabled <> 'A' THEN 'no trigger on TRUNCATE'
    WHEN t.tgargs <> (SELECT coalesce(string_agg(s::bytea || '\x00'::bytea, ''), '') FROM unnest(audit.secret_columns(c.oid)) s)
      THEN 'other secret columns'
    ELSE '' END
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_trigger t ON t.tgrelid = c.oid AND t.tgname = 'audit_capture' AND t.tgfoid = 'audit.capture'::regproc
  LEFT JOIN pg_trigger u ON u.tgrelid = c.oid AND u.tgname = 'audit_truncate' AND u.tgfoid = 'audit.capture_truncate'::regproc
  WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence <> 't'
    AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'audit', 'surety', 'proof') AND n.nspname !~ '^pg_(toast|temp)'
    AND :is_captured;
END;

-- Puts the trigger on every table that lacks it; refuses when somebody bent one.
CREATE OR REPLACE FUNCTION audit.settle(may_mend boolean) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
  found record;
BEGIN
  FOR found IN SELECT * FROM audit.captured_tables() WHERE lack <> '' LOOP
    IF NOT may_mend AND found.lack NOT IN ('no trigger', 'no trigger on TRUNCATE', 'other secret columns') THEN
      RAISE EXCEPTION 'the capture of changes of % stays on: %', found.name, found.lack USING ERRCODE = 'insufficient_privilege';
    END IF;
    EXECUTE format(
      'CREATE OR REPLACE TRIGGER audit_capture AFTER INSERT OR UPDATE OR DELETE ON %1$s FOR EACH ROW EXECUTE FUNCTION audit.capture(%2$s);'
      'CREATE OR REPLACE TRIGGER audit_truncate AFTER TRUNCATE ON %1$s EXECUTE FUNCTION audit.capture_truncate();'
      'ALTER TABLE %1$s ENABLE ALWAYS TRIGGER audit_capture, ENABLE ALWAYS TRIGGER audit_truncate',
      found.name, (SELECT string_agg(quote_literal(s), ', ') FROM unnest(audit.secret_columns(found.name)) s));
  END LOOP;
END $$;
REVOKE EXECUTE ON FUNCTION audit.settle(boolean) FROM PUBLIC;

CREATE OR REPLACE FUNCTION audit.settle_tables() RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog
RETURN audit.settle(false);

-- Runs with the rights of who changes the schema, so that the superuser's own work, also that of settle(), passes.
CREATE OR REPLACE FUNCTION audit.after_ddl() RETURNS event_trigger LANGUAGE plpgsql AS $$
BEGIN
  IF current_user <> :installer THEN PERFORM audit.settle_tables(); END IF;
END $$;

CREATE OR REPLACE FUNCTION audit.after_drop() RETURNS event_trigger LANGUAGE plpgsql AS $$
BEGIN
  IF current_user <> :installer AND EXISTS (
    SELECT FROM pg_catalog.pg_event_trigger_dropped_objects() d
    WHERE d.schema_name = 'audit' OR d.original AND d.object_type = 'trigger' AND d.object_identity ~ '^audit_(capture|truncate) on ')
  THEN
    RAISE EXCEPTION 'the capture of changes cannot be dropped' USING ERRCODE = 'insufficient_privilege';
  END IF;
END $$;

DROP EVENT TRIGGER IF EXISTS audit_after_ddl;
DROP EVENT TRIGGER IF EXISTS audit_after_drop;
SELECT audit.settle(true);
CREATE EVENT TRIGGER audit_after_ddl ON ddl_command_end EXECUTE FUNCTION audit.after_ddl();
CREATE EVENT TRIGGER audit_after_drop ON sql_drop EXECUTE FUNCTION audit.after_drop();
ALTER EVENT TRIGGER audit_after_ddl ENABLE ALWAYS;
ALTER EVENT TRIGGER audit_after_drop ENABLE ALWAYS;
