-- What a tenant's apps are signed with, sealed, and the tokens by which a build fetches it.
CREATE SCHEMA signing;
GRANT USAGE ON SCHEMA signing TO surety_tenant;

CREATE TABLE signing.material (
  tenant_id uuid NOT NULL DEFAULT tenancy.current(),
  name text NOT NULL CHECK (name ~ '^[a-z][a-z0-9-]{0,59}$'),
  kind text NOT NULL CHECK (kind IN ('keystore', 'provisioning-profile')),
  content vault.secret NOT NULL,
  passphrase vault.secret,
  -- SHA-256 of the content, so that people can tell which one it is.
  sha256 text NOT NULL,
  updated_at timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, name)
);
SELECT tenancy.protect('signing.material');

CREATE TABLE signing.token (
  tenant_id uuid NOT NULL DEFAULT tenancy.current(),
  id uuid NOT NULL,
  -- SHA-256 of its secret.
  hash bytea NOT NULL,
  materials text[] NOT NULL,
  expires_at timestamptz NOT NULL,
  used_at timestamptz,
  PRIMARY KEY (tenant_id, id)
);
SELECT tenancy.protect('signing.token');
