-- A suspended tenant fetches its data, so its people can still sign in: what that writes stays open.
SELECT tenancy.open_when_suspended(t::regclass) FROM unnest(ARRAY['identity.session', 'identity.event', 'identity.challenge',
  'identity.totp', 'identity.recovery_code', 'identity.passkey', 'identity.api_token', 'identity.impersonation']) t;
