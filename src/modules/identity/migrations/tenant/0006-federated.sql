-- Who a person is at another issuer of identities. Known by issuer and subject, never by e-mail alone.
CREATE TABLE identity.federated (
  tenant_id uuid NOT NULL DEFAULT tenancy.current(),
  issuer text NOT NULL CHECK (length(issuer) <= 300),
  subject text NOT NULL CHECK (length(subject) BETWEEN 1 AND 255),
  person_id uuid NOT NULL,
  linked_at timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, issuer, subject),
  FOREIGN KEY (tenant_id, person_id) REFERENCES identity.person ON DELETE CASCADE
);
CREATE INDEX ON identity.federated (tenant_id, person_id);
SELECT tenancy.protect('identity.federated');
