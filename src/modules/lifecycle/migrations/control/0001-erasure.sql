-- How tenants are erased, and the ledger of those that were: what a restored backup must not bring back.
CREATE SCHEMA lifecycle;

-- Requests of a customer to erase all its data at once, and until when they must be answered (Art. 12(3) GDPR).
CREATE TABLE lifecycle.request (
  id uuid PRIMARY KEY,
  tenant_id uuid NOT NULL,
  slug text NOT NULL,
  received_at timestamptz NOT NULL,
  -- The last day on which to answer.
  due_on date NOT NULL,
  -- How it came in, and how it was made sure that who asked may ask; without personal data.
  channel text NOT NULL CHECK (length(channel) BETWEEN 1 AND 200),
  identity_checked text CHECK (length(identity_checked) BETWEEN 1 AND 200),
  identity_checked_at timestamptz,
  CHECK ((identity_checked IS NULL) = (identity_checked_at IS NULL))
);
CREATE INDEX ON lifecycle.request (tenant_id);

-- One line a tenant from the point of no return on. `done` names the steps that are finished; a process that is killed
-- between two of them leaves the rest to the next one.
CREATE TABLE lifecycle.erasure (
  tenant_id uuid PRIMARY KEY,
  slug text NOT NULL,
  model text NOT NULL CHECK (model IN ('database', 'rows')),
  database text NOT NULL,
  canary boolean NOT NULL,
  because text NOT NULL CHECK (because IN ('time over', 'request')),
  request_id uuid REFERENCES lifecycle.request,
  begun_at timestamptz NOT NULL,
  done text[] NOT NULL DEFAULT '{}',
  finished_at timestamptz,
  -- The record in the evidence log names the tenant by a hash with this in it; only the receipt lets it be recomputed.
  nonce text NOT NULL CHECK (length(nonce) = 32),
  record bigint
);

GRANT USAGE ON SCHEMA lifecycle TO surety_app, surety_migrator;
GRANT SELECT ON lifecycle.request, lifecycle.erasure TO surety_app;
GRANT SELECT, INSERT, UPDATE ON lifecycle.request, lifecycle.erasure TO surety_migrator;
