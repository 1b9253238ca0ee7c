-- Second factors. The TOTP secret is sealed by a key outside the database; of recovery codes only a MAC is kept.
CREATE TABLE identity.totp (
  tenant_id uuid NOT NULL DEFAULT tenancy.current(),
  person_id uuid NOT NULL,
  sealed_secret bytea NOT NULL,
  confirmed_at timestamptz,
  -- The newest time step that was used: no code is taken twice (RFC 6238 §5.2).
  last_step bigint NOT NULL DEFAULT 0,
  failures integer NOT NULL DEFAULT 0,
  failed_at timestamptz,
  PRIMARY KEY (tenant_id, person_id),
  FOREIGN KEY (tenant_id, person_id) REFERENCES identity.person ON DELETE CASCADE
);
SELECT tenancy.protect('identity.totp');

CREATE TABLE identity.recovery_code (
  tenant_id uuid NOT NULL DEFAULT tenancy.current(),
  person_id uuid NOT NULL,
  mac bytea NOT NULL CHECK (length(mac) = 32),
  PRIMARY KEY (tenant_id, person_id, mac),
  FOREIGN KEY (tenant_id, person_id) REFERENCES identity.person ON DELETE CASCADE
);
SELECT tenancy.protect('identity.recovery_code');

-- Roles whose people must show a second factor. A role without a line need not.
CREATE TABLE identity.role_rule (
  tenant_id uuid NOT NULL DEFAULT tenancy.current(),
  role text NOT NULL CHECK (length(role) BETWEEN 1 AND 40),
  second_factor boolean NOT NULL,
  PRIMARY KEY (tenant_id, role)
);
SELECT tenancy.protect('identity.role_rule');
