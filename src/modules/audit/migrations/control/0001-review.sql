-- Reviews of administrative access: a person looks at a sample of each period and signs. Not in the schema `audit`, so
-- that the trail captures these changes too.
CREATE SCHEMA review;
GRANT USAGE ON SCHEMA review TO surety_app;

CREATE TABLE review.period (
  id uuid PRIMARY KEY,
  -- Entries from (inclusive) to (exclusive). Each period begins where the one before ended.
  from_at timestamptz NOT NULL UNIQUE,
  to_at timestamptz NOT NULL CHECK (to_at > from_at),
  due_at timestamptz NOT NULL,
  entries integer NOT NULL,
  -- Some of them, chosen by chance: id, at, who, act, target.
  sample jsonb NOT NULL,
  signed_at timestamptz,
  signed_by uuid,
  -- How much of the sample is the signer's own access.
  own integer,
  notes text CHECK (length(notes) BETWEEN 1 AND 5000),
  CHECK ((signed_at IS NULL) = (signed_by IS NULL) AND (signed_at IS NULL) = (notes IS NULL) AND (signed_at IS NULL) = (own IS NULL))
);
GRANT SELECT, INSERT, UPDATE (signed_at, signed_by, own, notes) ON review.period TO surety_app;
