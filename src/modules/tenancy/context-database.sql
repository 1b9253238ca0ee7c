-- In a tenant's own database the wall is the database and its login role, so the context is whose database this is: one
-- row, which no tenant's role can change, valid for that tenant's login alone. Nothing that a session sets, and no seal,
-- takes part: an injected set_config changes nothing, and a login that was led to the wrong database sees nothing.
CREATE TABLE IF NOT EXISTS tenancy.home (id uuid NOT NULL);
CREATE UNIQUE INDEX IF NOT EXISTS home_only_one ON tenancy.home ((true));

CREATE OR REPLACE VIEW tenancy.context WITH (security_barrier) AS
SELECT h.id AS tenant_id FROM tenancy.home h WHERE session_user = 'tenant_' || current_database();

CREATE OR REPLACE FUNCTION tenancy.current() RETURNS uuid LANGUAGE sql STABLE
RETURN (SELECT c.tenant_id FROM tenancy.context c);
