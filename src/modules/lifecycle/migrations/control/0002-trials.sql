-- Canaries that live for one probe are erased in the same way, but say nothing about a customer and are forgotten again.
-- A request may also be answered without an erasure, such as when it came from somebody who may not ask.
ALTER TABLE lifecycle.erasure DROP CONSTRAINT erasure_because_check,
  ADD CONSTRAINT erasure_because CHECK (because IN ('time over', 'request', 'trial over'));
ALTER TABLE lifecycle.request
  ADD COLUMN answered_at timestamptz,
  ADD COLUMN answer text CHECK (length(answer) BETWEEN 1 AND 200),
  ADD CONSTRAINT answered CHECK ((answered_at IS NULL) = (answer IS NULL));
GRANT DELETE ON lifecycle.erasure, lifecycle.request TO surety_migrator;
