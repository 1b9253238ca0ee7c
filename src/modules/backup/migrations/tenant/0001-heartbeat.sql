-- A sign of life in each canary tenant, written before every backup of it: what is restored as of some time must hold
-- what was written before and nothing that came after.
CREATE SCHEMA backup;
GRANT USAGE ON SCHEMA backup TO surety_tenant;

CREATE TABLE backup.heartbeat (
  tenant_id uuid NOT NULL DEFAULT tenancy.current(),
  at timestamptz NOT NULL DEFAULT date_trunc('milliseconds', clock_timestamp()),
  PRIMARY KEY (tenant_id, at)
);
SELECT tenancy.protect('backup.heartbeat');
