-- Somebody kept trying to get in. `network` is a hash whose salt changes: no address is kept.
CREATE SCHEMA limits;
GRANT USAGE ON SCHEMA limits TO surety_app;

CREATE TABLE limits.intrusion (
  id uuid PRIMARY KEY,
  at timestamptz NOT NULL,
  network text NOT NULL CHECK (network ~ '^[A-Za-z0-9_-]{43}$'),
  audience text NOT NULL CHECK (audience IN ('trust', 'admin', 'tenant')),
  tenant_id uuid,
  attempts integer NOT NULL CHECK (attempts > 0)
);
CREATE INDEX ON limits.intrusion (at);
GRANT SELECT, INSERT ON limits.intrusion TO surety_app;
