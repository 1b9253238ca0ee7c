-- Alerts are forgotten when their time is over.
GRANT DELETE ON telemetry.alert TO surety_app;
