-- The last seal of each log file, so that lines cut off its end, or the whole file, are missed.
CREATE TABLE telemetry.log_head (
  host text NOT NULL,
  name text NOT NULL,
  seal text NOT NULL CHECK (seal ~ '^[A-Za-z0-9_-]{43}$'),
  day date NOT NULL,
  PRIMARY KEY (host, name)
);
GRANT SELECT, INSERT, UPDATE, DELETE ON telemetry.log_head TO surety_app;
