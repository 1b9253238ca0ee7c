-- What the vault sealed: v{N}:iv:tag:ct, see docs/decisions. A column of this type refuses anything in clear.
CREATE SCHEMA vault;
GRANT USAGE ON SCHEMA vault TO surety_tenant;

CREATE DOMAIN vault.secret AS text CHECK (
  VALUE ~ '^v([1-9]|1[0-6]):([A-Za-z0-9_-]{16}|[A-Za-z0-9_-]{32}):[A-Za-z0-9_-]{22}:[A-Za-z0-9_-]*$'
);

-- A token of a social account in each canary tenant, for probes to attack.
CREATE TABLE vault.canary (
  tenant_id uuid NOT NULL DEFAULT tenancy.current(),
  social_account_id uuid NOT NULL,
  platform text NOT NULL,
  access_token vault.secret,
  refresh_token vault.secret,
  PRIMARY KEY (tenant_id, social_account_id, platform)
);
SELECT tenancy.protect('vault.canary');
