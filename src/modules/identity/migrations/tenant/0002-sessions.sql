-- Who is signed in where. A session is a family of refresh tokens: only its newest generation, and for a moment the one
-- before, is good. No token is stored: each is computed from session, generation and a server key.
CREATE TABLE identity.session (
  tenant_id uuid NOT NULL DEFAULT tenancy.current(),
  id uuid NOT NULL,
  person_id uuid NOT NULL,
  generation integer NOT NULL DEFAULT 0,
  -- When the newest generation was made, and how often the one before came back since then.
  rotated_at timestamptz NOT NULL,
  replays integer NOT NULL DEFAULT 0,
  started_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  ended_at timestamptz,
  ended_because text,
  -- How the person showed who they are (RFC 8176: pwd, otp, hwk, …), and when last.
  factors text[] NOT NULL,
  authenticated_at timestamptz NOT NULL,
  device text NOT NULL CHECK (length(device) <= 200),
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, person_id) REFERENCES identity.person ON DELETE CASCADE,
  CHECK ((ended_at IS NULL) = (ended_because IS NULL))
);
CREATE INDEX ON identity.session (tenant_id, person_id);
SELECT tenancy.protect('identity.session');

-- What happened to somebody's access, for themselves and the tenant to see.
CREATE TABLE identity.event (
  tenant_id uuid NOT NULL DEFAULT tenancy.current(),
  id uuid NOT NULL,
  kind text NOT NULL CHECK (length(kind) <= 60),
  person_id uuid,
  at timestamptz NOT NULL,
  details jsonb NOT NULL DEFAULT '{}',
  PRIMARY KEY (tenant_id, id)
);
CREATE INDEX ON identity.event (tenant_id, person_id);
SELECT tenancy.protect('identity.event');
