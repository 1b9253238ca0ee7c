-- One marker row in each canary tenant, so that every deployment has something real for its probes to attack.
CREATE TABLE tenancy.canary (
  tenant_id uuid NOT NULL DEFAULT tenancy.current(),
  id uuid NOT NULL,
  marker text NOT NULL,
  PRIMARY KEY (tenant_id, id)
);
SELECT tenancy.protect('tenancy.canary');
