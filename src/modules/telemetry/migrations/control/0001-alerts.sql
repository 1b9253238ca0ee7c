-- What people are to be told. At most one open alert has a name: what happens again while it is open is counted.
CREATE SCHEMA telemetry;
GRANT USAGE ON SCHEMA telemetry TO surety_app;

CREATE TABLE telemetry.alert (
  id uuid PRIMARY KEY,
  name text NOT NULL,
  details jsonb NOT NULL,
  -- A probe's own: counted like any other, told to nobody.
  canary boolean NOT NULL,
  -- It ends when somebody says so; otherwise when it has not happened for a while.
  lasting boolean NOT NULL,
  fired_at timestamptz NOT NULL,
  last_at timestamptz NOT NULL,
  times integer NOT NULL DEFAULT 1,
  cleared_at timestamptz,
  -- Channels that took the news of its beginning, and of its end.
  told text[] NOT NULL DEFAULT '{}',
  told_end text[] NOT NULL DEFAULT '{}',
  -- Somebody is telling it until then; after a crash somebody else does.
  telling_until timestamptz
);
CREATE UNIQUE INDEX ON telemetry.alert (name) WHERE cleared_at IS NULL;
CREATE INDEX ON telemetry.alert (fired_at);
GRANT SELECT, INSERT, UPDATE ON telemetry.alert TO surety_app;

-- Pseudonyms of a period are made with its key; when the key is gone, nobody can make them again.
CREATE TABLE telemetry.analytics_key (
  period bigint PRIMARY KEY,
  key bytea NOT NULL CHECK (length(key) = 32)
);
GRANT SELECT, INSERT, DELETE ON telemetry.analytics_key TO surety_app;

CREATE TABLE telemetry.visit (
  day date NOT NULL,
  tenant_id uuid NOT NULL,
  visitor text NOT NULL CHECK (visitor ~ '^[A-Za-z0-9_-]{22}$'),
  event text NOT NULL CHECK (event ~ '^[A-Z]+ /[A-Za-z0-9/:._*-]{0,200}$'),
  times integer NOT NULL,
  PRIMARY KEY (day, tenant_id, event, visitor)
);
GRANT SELECT, INSERT, UPDATE ON telemetry.visit TO surety_app;
