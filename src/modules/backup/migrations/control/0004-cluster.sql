-- Rehearsals: the whole cluster was restored to an instant, looked at and thrown away.
CREATE TABLE backup.cluster_rehearsal (
  id uuid PRIMARY KEY,
  -- The instant that it was set to.
  target timestamptz NOT NULL,
  started_at timestamptz NOT NULL,
  ended_at timestamptz NOT NULL,
  passed boolean NOT NULL
);
CREATE INDEX ON backup.cluster_rehearsal (ended_at);

GRANT SELECT ON backup.cluster_rehearsal TO surety_app;
GRANT SELECT, INSERT, DELETE ON backup.cluster_rehearsal TO surety_migrator;
