-- What a tenant may do with the trail of its own data: read it, without the seals of the actors, and add acts.
DROP POLICY IF EXISTS tenant ON audit.entry;
CREATE POLICY tenant ON audit.entry FOR SELECT TO surety_tenant
  USING (tenant_id = (SELECT c.tenant_id FROM tenancy.context c));
GRANT SELECT (tenant_id, at, id, login, who, act, target, before, after) ON audit.entry TO surety_tenant;
GRANT USAGE ON SCHEMA tenancy TO surety_audit;
GRANT SELECT ON tenancy.context TO surety_audit;

-- An act that is no change of a row, such as reading a secret. The tenant and the actor are those of the context.
CREATE OR REPLACE FUNCTION audit.record(act text, target text, details jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
  IF upper(act) = act THEN
    RAISE EXCEPTION 'only the database itself tells of changes' USING ERRCODE = 'check_violation';
  END IF;
  INSERT INTO audit.entry (tenant_id, actor, act, target, after)
  SELECT c.tenant_id, coalesce(current_setting('app.actor', true), ''), record.act, record.target, details FROM tenancy.context c;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'an act needs a tenant' USING ERRCODE = 'insufficient_privilege';
  END IF;
END $$;
ALTER FUNCTION audit.record(text, text, jsonb) OWNER TO surety_audit;
REVOKE EXECUTE ON FUNCTION audit.record(text, text, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit.record(text, text, jsonb) TO surety_tenant;

-- The trail of a tenant that was erased goes with it (Art. 17 GDPR): it repeats the content of every row. Refused while
-- anything of the tenant is left, so nobody can use it to hide a change of what is still there.
CREATE OR REPLACE FUNCTION audit.forget(erased uuid) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
  found record;
  is_left boolean;
BEGIN
  IF NOT EXISTS (SELECT FROM tenancy.suspended s WHERE s.id = erased) THEN
    RAISE EXCEPTION 'the tenant is not being erased' USING ERRCODE = 'insufficient_privilege';
  END IF;
  FOR found IN SELECT t.name FROM audit.captured_tables() t LOOP
    EXECUTE format('SELECT EXISTS (SELECT FROM %s WHERE tenant_id = $1)', found.name) INTO is_left USING erased;
    IF is_left THEN
      RAISE EXCEPTION 'the tenant still has rows in %', found.name USING ERRCODE = 'insufficient_privilege';
    END IF;
  END LOOP;
  PERFORM set_config('audit.forgetting', erased::text, true);
  WITH gone AS (DELETE FROM audit.entry WHERE tenant_id = erased RETURNING id)
  INSERT INTO audit.erased (id, whose) SELECT id, erased FROM gone;
  PERFORM set_config('audit.forgetting', '', true);
END $$;
REVOKE EXECUTE ON FUNCTION audit.forget(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit.forget(uuid) TO surety_migrator;
