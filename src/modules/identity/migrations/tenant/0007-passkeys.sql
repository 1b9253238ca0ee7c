-- Passkeys (WebAuthn). Only public keys are kept. A passkey is good at the host where it was made (rp_id) and nowhere else.
CREATE TABLE identity.passkey (
  tenant_id uuid NOT NULL DEFAULT tenancy.current(),
  id uuid NOT NULL,
  person_id uuid NOT NULL,
  credential_id text NOT NULL CHECK (credential_id ~ '^[A-Za-z0-9_-]+$' AND length(credential_id) <= 1400),
  rp_id text NOT NULL,
  public_key bytea NOT NULL,
  -- How often the authenticator says it signed; some always say 0.
  counter bigint NOT NULL,
  transports text[] NOT NULL,
  name text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
  created_at timestamptz NOT NULL,
  last_used_at timestamptz,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, credential_id),
  FOREIGN KEY (tenant_id, person_id) REFERENCES identity.person ON DELETE CASCADE
);
CREATE INDEX ON identity.passkey (tenant_id, person_id);
SELECT tenancy.protect('identity.passkey');

-- What an authenticator was asked to sign. Deleted when it comes back, so that nothing is answered twice.
CREATE TABLE identity.challenge (
  tenant_id uuid NOT NULL DEFAULT tenancy.current(),
  challenge text NOT NULL CHECK (length(challenge) = 43),
  purpose text NOT NULL,
  -- Whom it was given to; NULL before anybody signed in.
  person_id uuid,
  expires_at timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, challenge),
  FOREIGN KEY (tenant_id, person_id) REFERENCES identity.person ON DELETE CASCADE
);
SELECT tenancy.protect('identity.challenge');
