-- The people of a tenant, and how each signs in. Who may sign in to the back-office of the deployment itself stands in
-- the control database, in a table of the same form.
CREATE SCHEMA identity;
GRANT USAGE ON SCHEMA identity TO surety_tenant;

CREATE TABLE identity.person (
  tenant_id uuid NOT NULL DEFAULT tenancy.current(),
  id uuid NOT NULL,
  email text NOT NULL CHECK (email = lower(email) AND length(email) BETWEEN 3 AND 254),
  name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
  role text NOT NULL CHECK (length(role) BETWEEN 1 AND 40),
  state text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'disabled')),
  -- A PHC string or a bcrypt hash; NULL for who signs in by other means only.
  password text CHECK (password LIKE '$%'),
  created_at timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, email)
);
SELECT tenancy.protect('identity.person');
