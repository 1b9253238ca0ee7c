-- Operators' passkeys: as in a tenant's store.
CREATE TABLE identity.passkey (
  id uuid PRIMARY KEY,
  person_id uuid NOT NULL REFERENCES identity.person ON DELETE CASCADE,
  credential_id text NOT NULL UNIQUE CHECK (credential_id ~ '^[A-Za-z0-9_-]+$' AND length(credential_id) <= 1400),
  rp_id text NOT NULL,
  public_key bytea NOT NULL,
  counter bigint NOT NULL,
  transports text[] NOT NULL,
  name text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
  created_at timestamptz NOT NULL,
  last_used_at timestamptz
);
CREATE INDEX ON identity.passkey (person_id);
CREATE TABLE identity.challenge (
  challenge text PRIMARY KEY CHECK (length(challenge) = 43),
  purpose text NOT NULL,
  person_id uuid REFERENCES identity.person ON DELETE CASCADE,
  expires_at timestamptz NOT NULL
);
GRANT SELECT, INSERT, UPDATE, DELETE ON identity.passkey, identity.challenge TO surety_app;
