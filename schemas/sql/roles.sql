-- Least privilege for a shared server: three roles that own nothing. Run it as the owner of the tables after each
-- migration; then GRANT canh_worker TO the user of the workers, and so on. The owner itself only migrates.
-- Nobody may change or delete a line of the audit log.

DO $$
DECLARE
    wanted text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['canh_worker', 'canh_api', 'canh_read'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted) THEN
            EXECUTE format('CREATE ROLE %I NOLOGIN', wanted);
        END IF;
        EXECUTE format('REVOKE ALL ON ALL TABLES IN SCHEMA public FROM %I', wanted);
        EXECUTE format('GRANT USAGE ON SCHEMA public TO %I', wanted);
        EXECUTE format('GRANT SELECT ON ALL TABLES IN SCHEMA public TO %I', wanted);
    END LOOP;
END
$$;

-- Workers and readers never see what a login needs.
REVOKE ALL ON account, session, api_key FROM canh_worker, canh_read;

GRANT INSERT ON observation, event, event_id, device, device_metric, unit_position, source_count, dead_letter,
    dead_letter_raw, stream_offset, rule_state, signal, outbox, incident, incident_change, incident_signal, audit
    TO canh_worker;
GRANT UPDATE ON device, device_metric, unit_position, source_count, dead_letter, stream_offset, rule_state, incident,
    feed_head, audit_head, registry_version TO canh_worker;
-- The telemetry and the dead letters: retention deletes what is old.
GRANT DELETE ON rule_state, outbox, observation, event, event_id, dead_letter, dead_letter_raw TO canh_worker;

-- The door writes what it refuses: dead letters, and how many of a source.
GRANT INSERT ON incident, incident_change, incident_signal, outbox, audit, account, session, api_key, source, device,
    zone, agency, unit, unit_position, dead_letter, dead_letter_raw, source_count TO canh_api;
GRANT UPDATE ON incident, feed_head, audit_head, registry_version, account, session, api_key, source, device, zone,
    agency, unit, unit_position, dead_letter, source_count TO canh_api;
GRANT DELETE ON session TO canh_api;
