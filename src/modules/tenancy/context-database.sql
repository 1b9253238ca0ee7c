-- In a tenant's own database the wall is the database and its login role, and the context comes with the connection
-- (startup parameter app.tenant): no seal to check. A connection that was led to the wrong database still sees nothing.
CREATE OR REPLACE VIEW tenancy.context WITH (security_barrier) AS
SELECT nullif(current_setting('app.tenant', true), '')::uuid AS tenant_id;
