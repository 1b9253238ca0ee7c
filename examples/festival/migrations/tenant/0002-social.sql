-- Where a festival posts its news. The token stands here sealed, and the database takes it no other way.
CREATE TABLE social_account (
  tenant_id uuid NOT NULL DEFAULT tenancy.current(),
  id uuid NOT NULL,
  platform text NOT NULL,
  handle text NOT NULL,
  access_token vault.secret,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, platform, handle)
);
SELECT tenancy.protect('social_account');
