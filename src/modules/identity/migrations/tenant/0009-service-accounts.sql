-- Accounts that are programs: no address, no password, no sign-in, only API tokens. They stand among the people because a
-- role, a state and a token mean the same for both; `kind` keeps them apart.
ALTER TABLE identity.person ADD COLUMN kind text NOT NULL DEFAULT 'person' CHECK (kind IN ('person', 'service'));
ALTER TABLE identity.person ALTER COLUMN email DROP NOT NULL;
ALTER TABLE identity.person ADD CONSTRAINT person_signs_in CHECK (
  CASE kind WHEN 'person' THEN email IS NOT NULL ELSE email IS NULL AND password IS NULL END);
