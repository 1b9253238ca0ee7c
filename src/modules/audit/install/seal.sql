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

-- Entries that went with their tenant (audit.forget): so that a seal without its entry is explained, or not.
CREATE TABLE IF NOT EXISTS audit.erased (
  id uuid PRIMARY KEY,
  whose uuid NOT NULL,
  at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE OR REPLACE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit.erased EXECUTE FUNCTION audit.refuse();
ALTER TABLE audit.erased ENABLE ALWAYS TRIGGER append_only;
GRANT SELECT ON audit.erased TO surety_sealer, surety_migrator;
