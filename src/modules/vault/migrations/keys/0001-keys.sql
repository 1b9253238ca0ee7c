-- Data keys of tenants, wrapped by master keys that are not in any database. Everything that a tenant sealed opens with
-- these rows or not at all, so deleting them destroys it, in every copy.
CREATE SCHEMA vault;

-- Which master keys there are; data keys are made under the newest. `ring` keeps the throwaway keys of probes apart.
CREATE TABLE vault.master_key (
  ring text NOT NULL,
  version int NOT NULL CHECK (version BETWEEN 1 AND 16),
  -- Tells this key from another in a file of the same name.
  fingerprint text NOT NULL,
  made_at timestamptz NOT NULL,
  PRIMARY KEY (ring, version)
);

CREATE TABLE vault.data_key (
  id uuid PRIMARY KEY,
  ring text NOT NULL,
  tenant_id uuid NOT NULL,
  -- The N of v{N}: the newest master key when this key was made.
  version int NOT NULL,
  -- A further key of the same version, made when the one before had been used often enough.
  generation int NOT NULL CHECK (generation > 0),
  -- The master key that wraps it now.
  wrapped_by int NOT NULL,
  wrapped text NOT NULL,
  -- Uses that processes have taken for themselves: an upper bound of those that happened.
  uses bigint NOT NULL DEFAULT 0,
  made_at timestamptz NOT NULL,
  UNIQUE (ring, tenant_id, version, generation),
  FOREIGN KEY (ring, version) REFERENCES vault.master_key (ring, version),
  FOREIGN KEY (ring, wrapped_by) REFERENCES vault.master_key (ring, version)
);

-- Tenants whose keys are gone for good: none is ever made for them again.
CREATE TABLE vault.destroyed (
  ring text NOT NULL,
  tenant_id uuid NOT NULL,
  destroyed_at timestamptz NOT NULL,
  PRIMARY KEY (ring, tenant_id)
);

GRANT USAGE ON SCHEMA vault TO surety_keys;
GRANT SELECT, INSERT, UPDATE, DELETE ON vault.master_key, vault.data_key, vault.destroyed TO surety_keys;
