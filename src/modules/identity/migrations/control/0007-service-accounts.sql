-- Operators' accounts that are programs: as in a tenant's store.
ALTER TABLE identity.person ADD COLUMN kind text NOT NULL DEFAULT 'person' CHECK (kind IN ('person', 'service'));
ALTER TABLE identity.person ALTER COLUMN email DROP NOT NULL;
ALTER TABLE identity.person ADD CONSTRAINT person_signs_in CHECK (
  CASE kind WHEN 'person' THEN email IS NOT NULL ELSE email IS NULL AND password IS NULL END);
