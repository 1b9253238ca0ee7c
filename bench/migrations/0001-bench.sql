-- The table that benchmarks read: what an application's list would be.
CREATE TABLE bench_item (
  tenant_id uuid NOT NULL DEFAULT tenancy.current(),
  id uuid NOT NULL,
  list int NOT NULL,
  title text NOT NULL,
  body text NOT NULL,
  PRIMARY KEY (tenant_id, id)
);
CREATE INDEX bench_item_list ON bench_item (tenant_id, list, id);
SELECT tenancy.protect('bench_item');
