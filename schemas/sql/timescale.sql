-- What the database gets beyond schema.sql, as far as the server can do it; each piece may be applied again.

-- name: trigrams -- an index for searches in the middle of words
CREATE INDEX IF NOT EXISTS incident_folded ON incident USING gin (folded gin_trgm_ops);

-- name: hypertables -- chunks of one day for what grows with time (TimescaleDB, any edition)
SELECT create_hypertable('observation', by_range('observed_at', INTERVAL '1 day'),
                         create_default_indexes => false, migrate_data => true, if_not_exists => true);
SELECT create_hypertable('event', by_range('observed_at', INTERVAL '1 day'),
                         create_default_indexes => false, migrate_data => true, if_not_exists => true);

-- name: columnstore -- compression after the replay horizon of the topics (Timescale License only)
ALTER TABLE observation SET (timescaledb.enable_columnstore, timescaledb.segmentby = 'device, metric',
                             timescaledb.orderby = 'observed_at DESC');
CALL add_columnstore_policy('observation', after => INTERVAL '8 days', if_not_exists => true);

-- name: rollups_made -- gives a row when the rollups are continuous aggregates already
SELECT 1 FROM timescaledb_information.continuous_aggregates WHERE view_name = 'observation_1m';

-- name: rollups -- continuous aggregates instead of the plain views, with the same columns (Timescale License only)
DROP VIEW IF EXISTS observation_1m, observation_1h, observation_1d;
CREATE MATERIALIZED VIEW observation_1m WITH (timescaledb.continuous, timescaledb.materialized_only = false) AS
    SELECT device, metric, time_bucket('1 minute', observed_at) AS at,
           avg(value) AS mean, min(value) AS minimum, max(value) AS maximum, count(*) AS samples
    FROM observation GROUP BY device, metric, time_bucket('1 minute', observed_at) WITH NO DATA;
CREATE MATERIALIZED VIEW observation_1h WITH (timescaledb.continuous, timescaledb.materialized_only = false) AS
    SELECT device, metric, time_bucket('1 hour', observed_at) AS at,
           avg(value) AS mean, min(value) AS minimum, max(value) AS maximum, count(*) AS samples
    FROM observation GROUP BY device, metric, time_bucket('1 hour', observed_at) WITH NO DATA;
-- A day begins at midnight in Viet Nam: UTC+7, no summer time.
CREATE MATERIALIZED VIEW observation_1d WITH (timescaledb.continuous, timescaledb.materialized_only = false) AS
    SELECT device, metric, time_bucket('1 day', observed_at, origin => timestamptz '2000-01-02 17:00:00+00') AS at,
           avg(value) AS mean, min(value) AS minimum, max(value) AS maximum, count(*) AS samples
    FROM observation
    GROUP BY device, metric, time_bucket('1 day', observed_at, origin => timestamptz '2000-01-02 17:00:00+00')
    WITH NO DATA;
SELECT add_continuous_aggregate_policy('observation_1m', start_offset => INTERVAL '8 days',
    end_offset => INTERVAL '2 minutes', schedule_interval => INTERVAL '1 minute');
SELECT add_continuous_aggregate_policy('observation_1h', start_offset => INTERVAL '8 days',
    end_offset => INTERVAL '2 hours', schedule_interval => INTERVAL '10 minutes');
SELECT add_continuous_aggregate_policy('observation_1d', start_offset => INTERVAL '8 days',
    end_offset => INTERVAL '2 days', schedule_interval => INTERVAL '1 hour');

-- name: chunks_dropped -- drops the chunks of a table that were made before a time, gives a row for each
SELECT drop_chunks(%(relation)s::regclass, created_before => %(before)s::timestamptz);

-- name: rows_deleted -- deletes the rows of a table that happened and came before a time; {relation} is the table
DELETE FROM {relation} WHERE observed_at < %(before)s AND received_at < %(before)s;

-- name: event_ids_deleted -- deletes the ids of events that came before a time and are there no longer
DELETE FROM event_id i WHERE observed_at < %(before)s AND received_at < %(before)s
    AND NOT EXISTS (SELECT FROM event e WHERE e.id = i.id AND e.observed_at = i.observed_at);

-- name: resolved_deleted -- deletes refusals that were sent again before a time
DELETE FROM dead_letter WHERE resolved_at < %(before)s;

-- name: open_deleted -- deletes refusals that nobody has mended and that came last before a time
DELETE FROM dead_letter WHERE resolved_at IS NULL AND last_received_at < %(before)s;

-- name: raw_locked -- holds up writers of refusals until the end of the transaction: none must count on bytes that go now
LOCK TABLE dead_letter_raw IN SHARE ROW EXCLUSIVE MODE;

-- name: raw_deleted -- deletes the bytes that no refusal has any more
DELETE FROM dead_letter_raw r WHERE NOT EXISTS (SELECT FROM dead_letter d WHERE d.digest = r.digest);

-- name: drop_policy -- takes the old retention policy away
SELECT remove_retention_policy(%(relation)s::regclass, if_exists => true);

-- name: add_policy -- lets the server drop old chunks by itself (Timescale License only)
SELECT add_retention_policy(%(relation)s::regclass, drop_created_before => make_interval(days => %(days)s));

-- name: add_rollup_policy -- lets the server drop what a rollup tells of long ago (Timescale License only)
SELECT add_retention_policy(%(relation)s::regclass, drop_after => make_interval(days => %(days)s));
