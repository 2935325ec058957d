-- does: keeps of a device which app it belongs to, and which of Apple's hosts knows its token
-- oldest-worker: 0.1.0
set lock_timeout = '3s';

alter table gtr_jobs.devices
    -- As the workers' settings call it (GTR_APPS__<APP>__...); null is the app named default.
    add column app text,
    -- Null where nobody has said or learned it.
    add column apns_environment text,
    -- Not valid: all that is there is null, and need not be gone through while the table is locked.
    add constraint devices_app check (app ~ '^[a-z][a-z0-9]*(_[a-z0-9]+)*$' and length(app) <= 40) not valid,
    add constraint devices_apns_environment check (apns_environment in ('production', 'sandbox')) not valid;
