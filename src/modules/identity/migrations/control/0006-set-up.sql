-- Whether the deployment waits for its first operator, and by which link they come. Once somebody is an operator, by
-- whatever way, the database itself closes it in the same transaction, and no role that works here can open it again.
CREATE TABLE identity.set_up (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  -- SHA-256 of the link's token; NULL when it is closed.
  token_hash bytea CHECK (length(token_hash) = 32),
  closed_at timestamptz,
  CHECK ((token_hash IS NULL) = (closed_at IS NOT NULL))
);
GRANT SELECT, INSERT, UPDATE (token_hash) ON identity.set_up TO surety_app;

CREATE FUNCTION identity.close_set_up() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
  INSERT INTO identity.set_up AS s (closed_at) VALUES (now())
    ON CONFLICT (one) DO UPDATE SET token_hash = NULL, closed_at = now() WHERE s.closed_at IS NULL;
  RETURN NULL;
END $$;
REVOKE EXECUTE ON FUNCTION identity.close_set_up() FROM PUBLIC;
-- Probes come as operators of this domain and leave again; nobody has an address in it (RFC 2606 §2).
CREATE TRIGGER close_set_up AFTER INSERT ON identity.person FOR EACH ROW
  WHEN (NEW.email NOT LIKE '%@canary.invalid') EXECUTE FUNCTION identity.close_set_up();
INSERT INTO identity.set_up (closed_at)
  SELECT now() WHERE EXISTS (SELECT FROM identity.person WHERE email NOT LIKE '%@canary.invalid');
