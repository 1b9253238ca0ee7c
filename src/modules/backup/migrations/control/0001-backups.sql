-- Which backups there are. The repository itself is the truth (a backup counts when its manifest lies there, which is
-- written last); this is its index, and what schedule, retention and pages read.
CREATE SCHEMA backup;

CREATE TABLE backup.backup (
  id uuid PRIMARY KEY,
  -- No reference: a backup outlives its tenant.
  tenant_id uuid NOT NULL,
  slug text NOT NULL,
  state text NOT NULL CHECK (state IN ('running', 'available', 'failed', 'expired')),
  class text NOT NULL CHECK (class IN ('recent', 'archive')),
  -- While it runs: when it is taken for dead.
  lease_until timestamptz,
  started_at timestamptz NOT NULL,
  -- The instant whose data it holds.
  snapshot_at timestamptz,
  available_at timestamptz,
  expires_at timestamptz NOT NULL,
  -- Encrypted bytes of dump and manifest.
  bytes bigint,
  failure text,
  CHECK ((state = 'running') = (lease_until IS NOT NULL)),
  CHECK (state NOT IN ('available') OR (snapshot_at IS NOT NULL AND available_at IS NOT NULL))
);
-- One at a time for a tenant.
CREATE UNIQUE INDEX backup_running ON backup.backup (tenant_id) WHERE state = 'running';
CREATE INDEX ON backup.backup (tenant_id, snapshot_at DESC) WHERE state = 'available';

GRANT USAGE ON SCHEMA backup TO surety_app, surety_migrator;
GRANT SELECT ON backup.backup TO surety_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON backup.backup TO surety_migrator;
