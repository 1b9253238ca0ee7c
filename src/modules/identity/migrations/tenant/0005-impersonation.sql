-- Operators who act in the name of a member: who, as whom, why, until when. In the tenant's own store, for it to see.
CREATE TABLE identity.impersonation (
  tenant_id uuid NOT NULL DEFAULT tenancy.current(),
  id uuid NOT NULL,
  person_id uuid NOT NULL,
  operator_id uuid NOT NULL,
  operator_email text NOT NULL,
  reason text NOT NULL CHECK (length(reason) BETWEEN 10 AND 500),
  started_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  ended_at timestamptz,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, person_id) REFERENCES identity.person ON DELETE CASCADE
);
SELECT tenancy.protect('identity.impersonation');
