-- A suspended tenant reads but does not write. That stands here, where no tenant role can change it, and not in a setting
-- of the session, which SQL that was injected could change back.
CREATE TABLE tenancy.suspended (id uuid PRIMARY KEY);

-- Stands before every change of a protected table. It lets a statement through in the valid context of a tenant that is
-- not suspended. Without a context too it refuses: else a statement could drop the context for this check and bring it
-- back for the policies. Who is exempt from policies (the migrator, who restores and erases) is exempt here.
CREATE FUNCTION tenancy.refuse_when_suspended() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
  suspended boolean;
BEGIN
  SELECT EXISTS (SELECT FROM tenancy.suspended s WHERE s.id = c.tenant_id) INTO suspended FROM tenancy.context c;
  IF suspended IS NOT DISTINCT FROM false THEN RETURN NULL; END IF;
  IF EXISTS (SELECT FROM pg_roles r WHERE r.rolname = session_user AND (r.rolsuper OR r.rolbypassrls)) THEN
    RETURN NULL;
  END IF;
  IF suspended THEN
    RAISE EXCEPTION 'the tenant is suspended' USING ERRCODE = 'read_only_sql_transaction';
  END IF;
  RAISE EXCEPTION 'a change needs the context of a tenant' USING ERRCODE = 'insufficient_privilege';
END $$;
REVOKE EXECUTE ON FUNCTION tenancy.refuse_when_suspended() FROM PUBLIC;

CREATE FUNCTION tenancy.close_when_suspended(target regclass) RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
  EXECUTE format('CREATE OR REPLACE TRIGGER suspension BEFORE INSERT OR UPDATE OR DELETE ON %s '
    'EXECUTE FUNCTION tenancy.refuse_when_suspended()', target);
  EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER suspension', target);
END $$;

-- Lets a suspended tenant go on writing `target`: for what it takes to sign in, so that it can fetch its data. Call it
-- after tenancy.protect.
CREATE FUNCTION tenancy.open_when_suspended(target regclass) RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
  EXECUTE format('DROP TRIGGER IF EXISTS suspension ON %s', target);
END $$;

ALTER FUNCTION tenancy.protect(regclass) RENAME TO protect_from_others;

-- Puts a table behind the tenant's context and its suspension: call it at the end of the migration that makes the table.
CREATE FUNCTION tenancy.protect(target regclass) RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
  PERFORM tenancy.protect_from_others(target);
  PERFORM tenancy.close_when_suspended(target);
END $$;

SELECT tenancy.close_when_suspended(p.polrelid) FROM pg_policy p WHERE p.polname = 'tenant'
  AND pg_get_userbyid((SELECT c.relowner FROM pg_class c WHERE c.oid = p.polrelid)) = current_user;
