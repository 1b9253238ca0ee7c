-- How a tenant reaches its people's phones: its own credentials at Apple and Google, and the devices that registered.
CREATE SCHEMA push;
GRANT USAGE ON SCHEMA push TO surety_tenant;

CREATE TABLE push.credential (
  tenant_id uuid NOT NULL DEFAULT tenancy.current(),
  service text NOT NULL CHECK (service IN ('apns', 'fcm')),
  -- The service's own name of the key.
  key_id text NOT NULL,
  -- What is no secret: team and topic, or project and account.
  about jsonb NOT NULL,
  -- SHA-256 of the public key, so that people can tell keys apart without seeing them.
  fingerprint text NOT NULL,
  private_key vault.secret NOT NULL,
  updated_at timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, service)
);
SELECT tenancy.protect('push.credential');

CREATE TABLE push.device (
  tenant_id uuid NOT NULL DEFAULT tenancy.current(),
  -- Chosen by the app at its installation.
  id uuid NOT NULL,
  service text NOT NULL CHECK (service IN ('apns', 'fcm')),
  token vault.secret NOT NULL,
  registered_at timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, id)
);
SELECT tenancy.protect('push.device');
