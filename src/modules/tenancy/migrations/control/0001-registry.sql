-- The registry of tenants: which hosts are whose, and where each tenant's data lies.
CREATE SCHEMA tenancy;

CREATE TABLE tenancy.tenant (
  id uuid PRIMARY KEY,
  slug text NOT NULL UNIQUE CHECK (slug ~ '^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$'),
  name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
  model text NOT NULL CHECK (model IN ('database', 'rows')),
  state text NOT NULL CHECK (state IN ('active', 'suspended')),
  -- The tenant's own database in the `database` model; the pool in the `rows` model.
  database text NOT NULL,
  canary boolean NOT NULL DEFAULT false,
  created_at timestamptz NOT NULL DEFAULT now(),
  suspended_at timestamptz,
  CHECK ((state = 'suspended') = (suspended_at IS NOT NULL))
);

-- Two tenants never share a database of their own.
CREATE UNIQUE INDEX tenant_own_database ON tenancy.tenant (database) WHERE model = 'database';

CREATE TABLE tenancy.host (
  host text PRIMARY KEY CHECK (host = lower(host) AND host !~ '[:/\s]' AND host !~ '\.$'),
  tenant_id uuid NOT NULL REFERENCES tenancy.tenant
);
CREATE INDEX ON tenancy.host (tenant_id);

GRANT USAGE ON SCHEMA tenancy TO surety_app, surety_migrator;
GRANT SELECT ON tenancy.tenant, tenancy.host TO surety_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON tenancy.tenant, tenancy.host TO surety_migrator;
