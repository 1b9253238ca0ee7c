-- Restore drills and what they measured.
CREATE TABLE backup.drill (
  id uuid PRIMARY KEY,
  slug text NOT NULL,
  backup_id uuid NOT NULL,
  started_at timestamptz NOT NULL,
  ended_at timestamptz NOT NULL,
  passed boolean NOT NULL,
  -- Milliseconds between the snapshot and the beginning of the drill.
  rpo_ms double precision NOT NULL,
  -- Milliseconds between the request and the first answer that was verified; of a drill that failed, until it did.
  rto_ms double precision NOT NULL,
  -- Phases, checks and the projection.
  report jsonb NOT NULL
);
CREATE INDEX ON backup.drill (ended_at);

GRANT SELECT ON backup.drill TO surety_app;
GRANT SELECT, INSERT, DELETE ON backup.drill TO surety_migrator;
