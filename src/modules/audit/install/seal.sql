-- Seals: commitments to complete entries, made shortly after them and followed up to a leaf of the evidence log. Whoever
-- changes a sealed entry, the superuser included, leaves a hash that no longer fits.
CREATE TABLE IF NOT EXISTS audit.seal (
  batch bigint PRIMARY KEY CHECK (batch > 0),
  at timestamptz NOT NULL DEFAULT clock_timestamp(),
  -- The entries of transactions from (inclusive) to (exclusive): none of them was running any more.
  from_xact xid8 NOT NULL,
  to_xact xid8 NOT NULL,
  ids uuid[] NOT NULL,
  -- SHA-256 of each entry, 32 bytes each, in the order of `ids`: the leaves of an RFC 6962 tree with this root.
  hashes bytea NOT NULL CHECK (length(hashes) = 32 * cardinality(ids)),
  root bytea NOT NULL CHECK (length(root) = 32),
  -- Entries whose actor was not sealed by the platform.
  unproven uuid[] NOT NULL
);
CREATE OR REPLACE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit.seal EXECUTE FUNCTION audit.refuse();
ALTER TABLE audit.seal ENABLE ALWAYS TRIGGER append_only;
GRANT SELECT, INSERT ON audit.seal TO surety_sealer;
GRANT SELECT ON audit.seal TO surety_migrator;

-- Entries that went with their tenant (audit.forget), or in time (audit.expire, `whose` all zeros): so that a seal
-- without its entry is explained, or not.
CREATE TABLE IF NOT EXISTS audit.erased (
  id uuid PRIMARY KEY,
  whose uuid NOT NULL,
  at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE OR REPLACE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit.erased EXECUTE FUNCTION audit.refuse();
ALTER TABLE audit.erased ENABLE ALWAYS TRIGGER append_only;
GRANT SELECT ON audit.erased TO surety_sealer, surety_migrator;

-- Lets go of up to 10,000 sealed entries from before `older_than`, and says how many. Not of any of the last 90 days, whatever
-- is asked: nobody hides what was done lately.
CREATE OR REPLACE FUNCTION audit.expire(older_than timestamptz) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
  n bigint;
BEGIN
  IF older_than > now() - interval '90 days' THEN
    RAISE EXCEPTION 'entries are kept for 90 days at least' USING ERRCODE = 'insufficient_privilege';
  END IF;
  PERFORM set_config('audit.forgetting', 'expired', true);
  WITH oldest AS (
    SELECT e.id, e.at FROM audit.entry e
    WHERE e.xact < (SELECT s.to_xact FROM audit.seal s ORDER BY s.batch DESC LIMIT 1) ORDER BY e.xact LIMIT 10000
  ), gone AS (
    DELETE FROM audit.entry e USING oldest o WHERE e.id = o.id AND e.at = o.at AND o.at < older_than RETURNING e.id
  )
  INSERT INTO audit.erased (id, whose) SELECT id, '00000000-0000-0000-0000-000000000000' FROM gone;
  GET DIAGNOSTICS n = ROW_COUNT;
  PERFORM set_config('audit.forgetting', '', true);
  RETURN n;
END $$;
REVOKE EXECUTE ON FUNCTION audit.expire(timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit.expire(timestamptz) TO surety_sealer;
