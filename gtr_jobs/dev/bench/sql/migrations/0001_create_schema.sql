-- does: makes the schema of what is measured
-- oldest-worker: 0.1.0
set lock_timeout = '3s';

create schema gtr_bench;
