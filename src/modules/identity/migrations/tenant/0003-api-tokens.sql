-- Tokens for programs. Only SHA-256 of a token is kept: it is long and random, so that nothing can be guessed from it.
CREATE TABLE identity.api_token (
  tenant_id uuid NOT NULL DEFAULT tenancy.current(),
  id uuid NOT NULL,
  person_id uuid NOT NULL,
  name text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
  hash bytea NOT NULL CHECK (length(hash) = 32),
  permissions text[] NOT NULL CHECK (cardinality(permissions) BETWEEN 1 AND 50),
  created_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  last_used_at timestamptz,
  revoked_at timestamptz,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, hash),
  FOREIGN KEY (tenant_id, person_id) REFERENCES identity.person ON DELETE CASCADE
);
CREATE INDEX ON identity.api_token (tenant_id, person_id);
SELECT tenancy.protect('identity.api_token');
