-- A table for the tests of isolation.
CREATE TABLE isolation_note (
  tenant_id uuid NOT NULL DEFAULT tenancy.current(),
  id uuid NOT NULL,
  body text NOT NULL,
  PRIMARY KEY (tenant_id, id)
);
SELECT tenancy.protect('isolation_note');
