-- A tenant's end: `erasing` answers nowhere any more and is kept until nothing of it is left. `settled` is false while
-- the tenant's store may not know its state yet, so that a crash between the two databases is found and mended.
ALTER TABLE tenancy.tenant DROP CONSTRAINT tenant_state_check, DROP CONSTRAINT tenant_check;
ALTER TABLE tenancy.tenant
  ADD COLUMN settled boolean NOT NULL DEFAULT true,
  ADD CONSTRAINT tenant_state CHECK (state IN ('active', 'suspended', 'erasing')),
  ADD CONSTRAINT tenant_suspended_at CHECK (CASE state
    WHEN 'active' THEN suspended_at IS NULL
    WHEN 'suspended' THEN suspended_at IS NOT NULL
    ELSE true END);
