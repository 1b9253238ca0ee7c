-- Operators' sessions and events: as in a tenant's store.
CREATE TABLE identity.session (
  id uuid PRIMARY KEY,
  person_id uuid NOT NULL REFERENCES identity.person ON DELETE CASCADE,
  generation integer NOT NULL DEFAULT 0,
  rotated_at timestamptz NOT NULL,
  replays integer NOT NULL DEFAULT 0,
  started_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  ended_at timestamptz,
  ended_because text,
  factors text[] NOT NULL,
  authenticated_at timestamptz NOT NULL,
  device text NOT NULL CHECK (length(device) <= 200),
  CHECK ((ended_at IS NULL) = (ended_because IS NULL))
);
CREATE INDEX ON identity.session (person_id);

CREATE TABLE identity.event (
  id uuid PRIMARY KEY,
  kind text NOT NULL CHECK (length(kind) <= 60),
  person_id uuid,
  at timestamptz NOT NULL,
  details jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX ON identity.event (person_id);

-- Keys that sign access tokens. The private half is sealed by a key that is not in the database.
CREATE TABLE identity.signing_key (
  kid text PRIMARY KEY CHECK (kid ~ '^[A-Za-z0-9_-]{43}$'),
  ring text NOT NULL,
  public_jwk jsonb NOT NULL,
  sealed_private bytea NOT NULL,
  signs_from timestamptz NOT NULL,
  -- From then on nothing that it signed is accepted; NULL while it is the newest.
  dropped_from timestamptz
);
CREATE INDEX ON identity.signing_key (ring);
GRANT SELECT, INSERT, UPDATE, DELETE ON identity.session, identity.signing_key TO surety_app;
GRANT SELECT, INSERT ON identity.event TO surety_app;
