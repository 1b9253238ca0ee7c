-- Operators' tokens for programs: as in a tenant's store.
CREATE TABLE identity.api_token (
  id uuid PRIMARY KEY,
  person_id uuid NOT NULL REFERENCES identity.person ON DELETE CASCADE,
  name text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
  hash bytea NOT NULL UNIQUE CHECK (length(hash) = 32),
  permissions text[] NOT NULL CHECK (cardinality(permissions) BETWEEN 1 AND 50),
  created_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  last_used_at timestamptz,
  revoked_at timestamptz
);
CREATE INDEX ON identity.api_token (person_id);
GRANT SELECT, INSERT, UPDATE, DELETE ON identity.api_token TO surety_app;
