-- The evidence log: an RFC 6962 Merkle tree whose leaves are records of probe runs. Nothing is ever changed or removed.
CREATE SCHEMA proof;

CREATE TABLE proof.entry (
  index bigint PRIMARY KEY CHECK (index >= 0),
  -- Canonical JSON (RFC 8785); its bytes are the leaf.
  leaf bytea NOT NULL CHECK (length(leaf) <= 65535),
  -- What the record is about, repeated from the leaf so that it can be looked up.
  subject text NOT NULL
);
CREATE INDEX ON proof.entry (subject, index DESC);

-- Hashes of complete subtrees: level 0 are the leaves. Proofs and roots need O(log n) of them.
CREATE TABLE proof.node (
  level smallint NOT NULL,
  index bigint NOT NULL,
  hash bytea NOT NULL CHECK (length(hash) = 32),
  PRIMARY KEY (level, index)
);

-- Signed statements about the tree (C2SP tlog-checkpoint), one for each size that was published.
CREATE TABLE proof.checkpoint (
  size bigint PRIMARY KEY,
  note text NOT NULL
);

CREATE FUNCTION proof.refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the evidence log is append-only' USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON proof.entry EXECUTE FUNCTION proof.refuse();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON proof.node EXECUTE FUNCTION proof.refuse();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON proof.checkpoint EXECUTE FUNCTION proof.refuse();
ALTER TABLE proof.entry ENABLE ALWAYS TRIGGER append_only;
ALTER TABLE proof.node ENABLE ALWAYS TRIGGER append_only;
ALTER TABLE proof.checkpoint ENABLE ALWAYS TRIGGER append_only;

GRANT USAGE ON SCHEMA proof TO surety_app, surety_sealer;
GRANT SELECT ON proof.entry, proof.node, proof.checkpoint TO surety_app, surety_sealer;
GRANT INSERT ON proof.entry, proof.node, proof.checkpoint TO surety_sealer;
