-- The trail of the deployment itself. The actor is given: in this database one role works for everybody.
DROP POLICY IF EXISTS reader ON audit.entry;
CREATE POLICY reader ON audit.entry FOR SELECT TO surety_app USING (true);
GRANT SELECT (tenant_id, at, id, login, who, act, target, before, after) ON audit.entry TO surety_app;

CREATE OR REPLACE FUNCTION audit.record(actor text, about uuid, act text, target text, details jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
  IF upper(act) = act THEN
    RAISE EXCEPTION 'only the database itself tells of changes' USING ERRCODE = 'check_violation';
  END IF;
  INSERT INTO audit.entry (tenant_id, actor, act, target, after)
  VALUES (coalesce(about, '00000000-0000-0000-0000-000000000000'), record.actor, record.act, record.target, details);
END $$;
ALTER FUNCTION audit.record(text, uuid, text, text, jsonb) OWNER TO surety_audit;
REVOKE EXECUTE ON FUNCTION audit.record(text, uuid, text, text, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit.record(text, uuid, text, text, jsonb) TO surety_app, surety_migrator, surety_sealer;

-- One round of sealing over all stores is one leaf of the evidence log: which seals are under which leaf.
CREATE TABLE IF NOT EXISTS audit.round_seal (
  -- `control`, `pool` or the id of the tenant whose database it is.
  store text NOT NULL,
  batch bigint NOT NULL,
  entries integer NOT NULL,
  root bytea NOT NULL CHECK (length(root) = 32),
  round bigint NOT NULL,
  PRIMARY KEY (store, batch)
);
CREATE INDEX IF NOT EXISTS round_seal_round ON audit.round_seal (round);
CREATE OR REPLACE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit.round_seal EXECUTE FUNCTION audit.refuse();
ALTER TABLE audit.round_seal ENABLE ALWAYS TRIGGER append_only;
GRANT SELECT, INSERT ON audit.round_seal TO surety_sealer;
GRANT SELECT ON audit.round_seal TO surety_migrator;

-- How far the server's log was read for what people ran; in one transaction with the entries of it.
CREATE TABLE IF NOT EXISTS audit.log_position (
  file text PRIMARY KEY,
  inode bigint NOT NULL,
  position bigint NOT NULL
);
GRANT SELECT, INSERT, UPDATE ON audit.log_position TO surety_sealer;
