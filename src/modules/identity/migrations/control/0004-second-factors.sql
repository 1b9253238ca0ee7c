-- Operators' second factors: as in a tenant's store. Operators need one whatever their role; the rules only add to that.
CREATE TABLE identity.totp (
  person_id uuid PRIMARY KEY REFERENCES identity.person ON DELETE CASCADE,
  sealed_secret bytea NOT NULL,
  confirmed_at timestamptz,
  last_step bigint NOT NULL DEFAULT 0,
  failures integer NOT NULL DEFAULT 0,
  failed_at timestamptz
);
CREATE TABLE identity.recovery_code (
  person_id uuid NOT NULL REFERENCES identity.person ON DELETE CASCADE,
  mac bytea NOT NULL CHECK (length(mac) = 32),
  PRIMARY KEY (person_id, mac)
);
CREATE TABLE identity.role_rule (
  role text PRIMARY KEY CHECK (length(role) BETWEEN 1 AND 40),
  second_factor boolean NOT NULL
);
GRANT SELECT, INSERT, UPDATE, DELETE ON identity.totp, identity.recovery_code, identity.role_rule TO surety_app;
