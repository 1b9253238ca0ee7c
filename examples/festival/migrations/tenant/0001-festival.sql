-- What a festival publishes: who plays when and where, and who pays for it. Every key leads with the tenant, so that no
-- key, reference or index can tell one tenant about another.
CREATE TABLE venue (
  tenant_id uuid NOT NULL DEFAULT tenancy.current(),
  id uuid NOT NULL,
  name text NOT NULL,
  city text,
  time_zone text NOT NULL,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, name)
);
SELECT tenancy.protect('venue');

CREATE TABLE stage (
  tenant_id uuid NOT NULL DEFAULT tenancy.current(),
  id uuid NOT NULL,
  venue_id uuid NOT NULL,
  name text NOT NULL,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, venue_id, name),
  FOREIGN KEY (tenant_id, venue_id) REFERENCES venue (tenant_id, id)
);
SELECT tenancy.protect('stage');

CREATE TABLE artist (
  tenant_id uuid NOT NULL DEFAULT tenancy.current(),
  id uuid NOT NULL,
  name text NOT NULL,
  country text,
  genres text[] NOT NULL,
  website text,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, name)
);
SELECT tenancy.protect('artist');

-- Unpublished performances are known to the organiser alone.
CREATE TABLE performance (
  tenant_id uuid NOT NULL DEFAULT tenancy.current(),
  id uuid NOT NULL,
  artist_id uuid NOT NULL,
  stage_id uuid NOT NULL,
  title text,
  starts_at timestamptz NOT NULL,
  ends_at timestamptz NOT NULL CHECK (ends_at > starts_at),
  published boolean NOT NULL,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, stage_id, starts_at),
  FOREIGN KEY (tenant_id, artist_id) REFERENCES artist (tenant_id, id),
  FOREIGN KEY (tenant_id, stage_id) REFERENCES stage (tenant_id, id)
);
CREATE INDEX performance_by_time ON performance (tenant_id, starts_at, id);
SELECT tenancy.protect('performance');

CREATE TABLE sponsor (
  tenant_id uuid NOT NULL DEFAULT tenancy.current(),
  id uuid NOT NULL,
  name text NOT NULL,
  tier text NOT NULL CHECK (tier IN ('main', 'partner')),
  website text,
  picture text,
  picture_alt text,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, name)
);
SELECT tenancy.protect('sponsor');
