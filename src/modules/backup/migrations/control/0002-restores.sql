-- Restores, so that one that was cut off while it changed a tenant is begun again, and what it took is known.
CREATE TABLE backup.restore (
  id uuid PRIMARY KEY,
  backup_id uuid NOT NULL,
  -- The tenant that is restored into.
  tenant_id uuid NOT NULL,
  slug text NOT NULL,
  state text NOT NULL CHECK (state IN ('running', 'done', 'failed')),
  -- From here on the tenant is being changed: what is cut off must be done again.
  changing boolean NOT NULL DEFAULT false,
  attempt integer NOT NULL DEFAULT 1,
  lease_until timestamptz,
  started_at timestamptz NOT NULL,
  ended_at timestamptz,
  -- Phase to milliseconds.
  phases jsonb NOT NULL DEFAULT '{}',
  failure text,
  CHECK ((state = 'running') = (lease_until IS NOT NULL))
);
-- One at a time for a tenant.
CREATE UNIQUE INDEX restore_running ON backup.restore (tenant_id) WHERE state = 'running';

GRANT SELECT ON backup.restore TO surety_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON backup.restore TO surety_migrator;
