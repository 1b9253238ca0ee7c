-- The operators of the deployment. The same form as the people of a tenant (see ../tenant), so that one code serves both.
CREATE SCHEMA identity;
GRANT USAGE ON SCHEMA identity TO surety_app;

CREATE TABLE identity.person (
  id uuid PRIMARY KEY,
  email text NOT NULL UNIQUE CHECK (email = lower(email) AND length(email) BETWEEN 3 AND 254),
  name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
  role text NOT NULL CHECK (length(role) BETWEEN 1 AND 40),
  state text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'disabled')),
  password text CHECK (password LIKE '$%'),
  created_at timestamptz NOT NULL
);
GRANT SELECT, INSERT, UPDATE, DELETE ON identity.person TO surety_app;
