-- What Mollie said, what was made of it, and what is still to be done about it. No name, address or account number of
-- a payer is kept: amounts and states alone.
CREATE SCHEMA billing;
GRANT USAGE ON SCHEMA billing TO surety_app, surety_migrator;

-- A tenant as Mollie's customer. No reference to the registry: bookings must outlive the tenant.
CREATE TABLE billing.account (
  tenant_id uuid PRIMARY KEY,
  customer_id text NOT NULL UNIQUE CHECK (customer_id ~ '^cst_[A-Za-z0-9]{1,40}$'),
  subscription_id text UNIQUE CHECK (subscription_id ~ '^sub_[A-Za-z0-9]{1,40}$'),
  linked_at timestamptz NOT NULL
);

-- Notifications. A webhook says only which resource to look at, so those that nobody took up yet are one row.
CREATE TABLE billing.inbox (
  id uuid PRIMARY KEY,
  resource_id text NOT NULL CHECK (resource_id ~ '^(tr|sub)_[A-Za-z0-9]{1,40}$'),
  source text NOT NULL CHECK (source IN ('webhook', 'reconcile')),
  state text NOT NULL CHECK (state IN ('received', 'processing', 'done', 'retry', 'dead')),
  received_at timestamptz NOT NULL,
  attempts integer NOT NULL DEFAULT 0,
  -- Who processes it, and until when nobody else may.
  lease uuid,
  leased_until timestamptz,
  -- Of the last attempt that failed.
  error text CHECK (length(error) <= 500),
  CHECK ((state = 'processing') = (lease IS NOT NULL))
);
CREATE UNIQUE INDEX inbox_untaken ON billing.inbox (resource_id) WHERE state = 'received';
CREATE INDEX inbox_open ON billing.inbox (received_at) WHERE state IN ('received', 'processing', 'retry');
CREATE INDEX inbox_done ON billing.inbox (received_at) WHERE state = 'done';

-- Looks at Mollie's resources are numbered when they begin; an earlier look that ends later changes nothing.
CREATE SEQUENCE billing.look;
GRANT USAGE ON SEQUENCE billing.look TO surety_app;

-- Payments and subscriptions as they were last seen.
CREATE TABLE billing.resource (
  id text PRIMARY KEY CHECK (id ~ '^(tr|sub)_[A-Za-z0-9]{1,40}$'),
  customer_id text,
  status text,
  currency text CHECK (currency ~ '^[A-Z]{3}$'),
  paid numeric(14, 2) NOT NULL DEFAULT 0,
  refunded numeric(14, 2) NOT NULL DEFAULT 0,
  charged_back numeric(14, 2) NOT NULL DEFAULT 0,
  look_in_force bigint NOT NULL DEFAULT 0,
  changed_at timestamptz
);
CREATE INDEX ON billing.resource (customer_id);

-- Each content that a resource ever had, once, by the SHA-256 of its canonical JSON (RFC 8785).
CREATE TABLE billing.event (
  resource_id text NOT NULL REFERENCES billing.resource,
  payload_hash bytea NOT NULL CHECK (length(payload_hash) = 32),
  status text NOT NULL,
  seen_at timestamptz NOT NULL,
  PRIMARY KEY (resource_id, payload_hash)
);

-- Money in (positive) and out (negative), in the order in which it was learned of.
CREATE TABLE billing.booking (
  id uuid PRIMARY KEY,
  resource_id text NOT NULL REFERENCES billing.resource,
  kind text NOT NULL CHECK (kind IN ('payment', 'refund', 'chargeback')),
  amount numeric(14, 2) NOT NULL CHECK (amount <> 0),
  currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
  look bigint NOT NULL,
  booked_at timestamptz NOT NULL,
  UNIQUE (resource_id, look, kind)
);

-- What a change of a subscription means for its tenant; done_at is set when it was carried out.
CREATE TABLE billing.consequence (
  subscription_id text NOT NULL REFERENCES billing.resource,
  look bigint NOT NULL,
  tenant_id uuid NOT NULL,
  state text NOT NULL CHECK (state IN ('active', 'suspended')),
  decided_at timestamptz NOT NULL,
  done_at timestamptz,
  PRIMARY KEY (subscription_id, look)
);
CREATE INDEX ON billing.consequence (tenant_id, look);
CREATE INDEX consequence_open ON billing.consequence (decided_at) WHERE done_at IS NULL;

-- When the sweeper and the reconciliation last ran to their end.
CREATE TABLE billing.pulse (
  name text PRIMARY KEY,
  at timestamptz NOT NULL
);

GRANT SELECT, INSERT, UPDATE, DELETE ON billing.account, billing.inbox TO surety_app;
GRANT SELECT, INSERT, UPDATE ON billing.resource, billing.consequence, billing.pulse TO surety_app;
GRANT SELECT, INSERT ON billing.event, billing.booking TO surety_app;
-- Probes clean up after themselves with it.
GRANT SELECT, DELETE ON ALL TABLES IN SCHEMA billing TO surety_migrator;
