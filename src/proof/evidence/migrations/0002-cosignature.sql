-- What a witness says about a checkpoint (C2SP tlog-cosignature): a signature line for its note.
CREATE TABLE proof.cosignature (
  size bigint NOT NULL REFERENCES proof.checkpoint,
  at timestamptz NOT NULL DEFAULT now(),
  line text NOT NULL CHECK (line LIKE '— %' AND length(line) <= 1000),
  PRIMARY KEY (size, line)
);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON proof.cosignature EXECUTE FUNCTION proof.refuse();
ALTER TABLE proof.cosignature ENABLE ALWAYS TRIGGER append_only;
GRANT SELECT ON proof.cosignature TO surety_app, surety_sealer;
GRANT INSERT ON proof.cosignature TO surety_sealer;
