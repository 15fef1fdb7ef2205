-- Named queries; `schemas.sql.query(NAME)` gives one. Parameters are named: %(name)s, or %(name)b in binary.

-- name: make_stage -- each connection's private place for a batch of observations before it is compared
CREATE TEMP TABLE IF NOT EXISTS observation_stage (
    observed_at timestamptz, device text, metric text, value double precision, source_value double precision,
    source_unit text, source text, received_at timestamptz, lon double precision, lat double precision,
    commune text, zone_ids text[], marks text[]
) ON COMMIT DELETE ROWS;

-- name: fill_observations -- takes a sorted batch of which nothing is known yet
COPY observation (source, device, metric, observed_at, received_at, value, source_value, source_unit, lon, lat, commune,
                  zone_ids, marks) FROM STDIN (FORMAT binary);

-- name: fill_stage -- takes a sorted batch
COPY observation_stage (source, device, metric, observed_at, received_at, value, source_value, source_unit, lon, lat,
                        commune, zone_ids, marks) FROM STDIN (FORMAT binary);

-- name: insert_observations -- writes what is new of the stage; RETURNING is added when sources must be told apart
INSERT INTO observation (observed_at, device, metric, value, source_value, source_unit, source, received_at, lon, lat,
                         commune, zone_ids, marks)
SELECT observed_at, device, metric, value, source_value, source_unit, source, received_at, lon, lat,
       commune, zone_ids, marks
FROM observation_stage
ON CONFLICT (device, metric, observed_at) DO NOTHING;

-- name: clashing_observations -- gives the keys of the stage that are stored with other content, and that content
SELECT s.device, s.metric, s.observed_at, o.value, o.source_value, o.source_unit
FROM observation_stage s
JOIN observation o USING (device, metric, observed_at)
WHERE (s.value, s.source_value, s.source_unit) IS DISTINCT FROM (o.value, o.source_value, o.source_unit)
ORDER BY 1, 2, 3;

-- name: claim_events -- takes ids of events that nobody has, gives them
INSERT INTO event_id (id, observed_at, received_at, content)
SELECT * FROM unnest(%(id)s::text[], %(observed_at)s::timestamptz[], %(received_at)s::timestamptz[], %(content)s::bytea[])
ON CONFLICT (id) DO NOTHING
RETURNING id;

-- name: known_events -- gives the content of events that are there
SELECT id, content FROM event_id WHERE id = ANY(%(ids)s);

-- name: insert_events -- writes events whose ids were claimed
INSERT INTO event (id, observed_at, type, source, device, received_at, lon, lat, commune, body)
SELECT id, observed_at, type, source, device, received_at, lon, lat, commune, body::jsonb
FROM unnest(%(id)s::text[], %(observed_at)s::timestamptz[], %(type)s::text[], %(source)s::text[], %(device)s::text[],
            %(received_at)s::timestamptz[], %(lon)s::float8[], %(lat)s::float8[], %(commune)s::text[],
            %(body)s::text[])
     AS t (id, observed_at, type, source, device, received_at, lon, lat, commune, body)
ON CONFLICT (id, observed_at) DO NOTHING;

-- name: see_devices -- adds devices and fills the place of those without one; gives those that changed
INSERT INTO device AS d (id, source, kind, title, lon, lat, commune, metrics)
SELECT id, source, '', '', lon, lat, commune, '{}'
FROM unnest(%(id)s::text[], %(source)s::text[], %(lon)s::float8[], %(lat)s::float8[], %(commune)s::text[])
     AS t (id, source, lon, lat, commune)
ON CONFLICT (id) DO UPDATE SET lon = excluded.lon, lat = excluded.lat, commune = excluded.commune
    WHERE d.lon IS NULL AND excluded.lon IS NOT NULL
RETURNING id;

-- name: see_values -- keeps the newest value of each device and metric
INSERT INTO device_metric AS m (device, metric, observed_at, value)
SELECT * FROM unnest(%(device)s::text[], %(metric)s::text[], %(observed_at)s::timestamptz[], %(value)s::float8[])
ON CONFLICT (device, metric) DO UPDATE SET observed_at = excluded.observed_at, value = excluded.value
    WHERE m.observed_at < excluded.observed_at;

-- name: see_fixes -- keeps the newest fix of each unit
INSERT INTO unit_position AS p (unit, observed_at, lon, lat)
SELECT * FROM unnest(%(unit)s::text[], %(observed_at)s::timestamptz[], %(lon)s::float8[], %(lat)s::float8[])
ON CONFLICT (unit) DO UPDATE SET observed_at = excluded.observed_at, lon = excluded.lon, lat = excluded.lat
    WHERE p.observed_at < excluded.observed_at;

-- name: count_sources -- adds to the counters of registered sources (anybody can send any name), one row for each writer
INSERT INTO source_count AS c (source, writer, accepted, refused, last_observed_at, last_received_at)
SELECT source, %(writer)s, accepted, refused, last_observed_at, last_received_at
FROM unnest(%(source)s::text[], %(accepted)s::bigint[], %(refused)s::bigint[],
            %(last_observed_at)s::timestamptz[], %(last_received_at)s::timestamptz[])
     AS t (source, accepted, refused, last_observed_at, last_received_at)
WHERE source IN (SELECT id FROM source)
ON CONFLICT (source, writer) DO UPDATE SET
    accepted = c.accepted + excluded.accepted,
    refused = c.refused + excluded.refused,
    last_observed_at = greatest(c.last_observed_at, excluded.last_observed_at),
    last_received_at = greatest(c.last_received_at, excluded.last_received_at)
WHERE excluded.accepted > 0 OR excluded.refused > 0
   OR excluded.last_observed_at > coalesce(c.last_observed_at, '-infinity')
   OR excluded.last_received_at > coalesce(c.last_received_at, '-infinity');

-- name: keep_raw -- keeps the bytes of refused messages
INSERT INTO dead_letter_raw (digest, raw)
SELECT * FROM unnest(%(digest)s::bytea[], %(raw)s::bytea[])
ON CONFLICT (digest) DO NOTHING;

-- name: insert_dead_letters -- writes new refusals, gives their ids
INSERT INTO dead_letter (id, source, reason, field, message, topic, partition, "offset", received_at,
                         last_received_at, digest, headers, item, attempts, resolved_at)
SELECT id, source, reason, field, message, topic, partition, "offset", received_at, last_received_at, digest,
       headers::jsonb, item, attempts, resolved_at
FROM unnest(%(id)s::text[], %(source)s::text[], %(reason)s::text[], %(field)s::text[], %(message)s::text[],
            %(topic)s::text[], %(partition)s::int[], %(offset)s::bigint[], %(received_at)s::timestamptz[],
            %(last_received_at)s::timestamptz[], %(digest)s::bytea[], %(headers)s::text[], %(item)s::int[],
            %(attempts)s::int[], %(resolved_at)s::timestamptz[])
     AS t (id, source, reason, field, message, topic, partition, "offset", received_at, last_received_at, digest,
           headers, item, attempts, resolved_at)
ON CONFLICT (id) DO NOTHING
RETURNING id;

-- name: dead_letters_again -- opens known refusals again; `times` are those at which each came, and only later ones count
WITH held AS (
    SELECT id FROM dead_letter WHERE id = ANY(%(id)s) ORDER BY id FOR UPDATE
)
UPDATE dead_letter d SET
    attempts = d.attempts + (SELECT count(*) FROM unnest(t.times::timestamptz[]) AS u (at)
                             WHERE u.at > d.last_received_at),
    last_received_at = t.last_received_at,
    resolved_at = NULL
FROM held JOIN unnest(%(id)s::text[], %(times)s::text[], %(last_received_at)s::timestamptz[])
               AS t (id, times, last_received_at) USING (id)
WHERE d.id = t.id AND d.last_received_at < t.last_received_at;

-- name: put_offset -- moves an offset forward; gives no row when it stands beyond where the batch began (or ended)
INSERT INTO stream_offset AS o (hop, topic, partition, next_offset, stamp_ms)
VALUES (%(hop)s, %(topic)s, %(partition)s, %(next_offset)s, %(stamp_ms)s)
ON CONFLICT (hop, topic, partition) DO UPDATE SET
    next_offset = excluded.next_offset,
    stamp_ms = CASE WHEN o.next_offset = excluded.next_offset THEN coalesce(excluded.stamp_ms, o.stamp_ms)
                    ELSE excluded.stamp_ms END
    WHERE o.next_offset <= least(%(expected)s::bigint, excluded.next_offset)
RETURNING next_offset;

-- name: reset_offset -- sets an offset, backwards too
INSERT INTO stream_offset AS o (hop, topic, partition, next_offset, stamp_ms)
VALUES (%(hop)s, %(topic)s, %(partition)s, %(next_offset)s, %(stamp_ms)s)
ON CONFLICT (hop, topic, partition) DO UPDATE SET next_offset = excluded.next_offset, stamp_ms = excluded.stamp_ms;

-- name: offsets -- gives how far a hop has come in a topic
SELECT hop, topic, partition, next_offset, stamp_ms FROM stream_offset
WHERE hop = %(hop)s AND topic = %(topic)s ORDER BY partition;

-- name: put_rule_states -- writes changed states
INSERT INTO rule_state AS r (topic, partition, rule, key, state)
SELECT * FROM unnest(%(topic)s::text[], %(partition)s::int[], %(rule)s::text[], %(key)s::text[], %(state)s::bytea[])
ON CONFLICT (topic, partition, rule, key) DO UPDATE SET state = excluded.state WHERE r.state <> excluded.state;

-- name: drop_rule_states -- forgets states
DELETE FROM rule_state r
USING unnest(%(topic)s::text[], %(partition)s::int[], %(rule)s::text[], %(key)s::text[])
      AS t (topic, partition, rule, key)
WHERE (r.topic, r.partition, r.rule, r.key) = (t.topic, t.partition, t.rule, t.key);

-- name: rule_states -- gives all states of a partition
SELECT rule, key, topic, partition, state FROM rule_state
WHERE topic = %(topic)s AND partition = %(partition)s ORDER BY rule, key;

-- name: insert_signals -- writes new signals and their records for the bus (in the order of `sent`), wakes the relay
WITH new AS (
    INSERT INTO signal (id, rule, kind, action, key, episode, severity, observed_at, commune, body)
    SELECT id, rule, kind, action, key, episode, severity, observed_at, commune, body::jsonb
    FROM unnest(%(id)s::text[], %(rule)s::text[], %(kind)s::text[], %(action)s::text[], %(key)s::text[],
                %(episode)s::text[], %(severity)s::int[], %(observed_at)s::timestamptz[], %(commune)s::text[],
                %(body)s::text[])
         AS t (id, rule, kind, action, key, episode, severity, observed_at, commune, body)
    ON CONFLICT (id) DO NOTHING
    RETURNING id
), sent AS (
    INSERT INTO outbox (topic, key, headers, value)
    SELECT topic, key, headers::jsonb, value
    FROM unnest(%(sent)s::text[], %(topic)s::text[], %(partition_key)s::text[], %(headers)s::text[], %(value)s::bytea[])
         WITH ORDINALITY AS t (id, topic, key, headers, value, position) JOIN new USING (id)
    ORDER BY position
    RETURNING id
)
SELECT pg_notify('canh_outbox', '') FROM sent LIMIT 1;

-- name: outbox -- gives the oldest waiting records
SELECT id, topic, key, headers::text, value FROM outbox ORDER BY id LIMIT %(limit)s;

-- name: outbox_done -- forgets records that the broker has
DELETE FROM outbox WHERE id = ANY(%(ids)s);

-- name: try_lock -- takes an advisory lock for the length of the session if nobody has it
SELECT pg_try_advisory_lock(%(key)s);

-- name: lock_incidents -- gives the versions of incidents and holds them until the end of the transaction
SELECT id, version FROM incident WHERE id = ANY(%(ids)s) ORDER BY id FOR UPDATE;

-- name: insert_incidents -- writes new incidents, gives their ids
INSERT INTO incident (id, kind, severity, status, opened_at, updated_at, last_signal_at, version, place, commune, zone,
                      agency, folded, body)
SELECT id, kind, severity, status, opened_at, updated_at, last_signal_at, version, point(lon, lat), commune, zone,
       agency, folded, body::jsonb
FROM unnest(%(id)s::text[], %(kind)s::text[], %(severity)s::int[], %(status)s::text[], %(opened_at)s::timestamptz[],
            %(updated_at)s::timestamptz[], %(last_signal_at)s::timestamptz[], %(version)s::int[], %(lon)s::float8[],
            %(lat)s::float8[], %(commune)s::text[], %(zone)s::text[], %(agency)s::text[], %(folded)s::text[],
            %(body)s::text[])
     AS t (id, kind, severity, status, opened_at, updated_at, last_signal_at, version, lon, lat, commune, zone,
           agency, folded, body)
ON CONFLICT (id) DO NOTHING
RETURNING id;

-- name: update_incidents -- writes the new state of incidents that this transaction holds
UPDATE incident i SET
    kind = t.kind, severity = t.severity, status = t.status, opened_at = t.opened_at, updated_at = t.updated_at,
    last_signal_at = t.last_signal_at, version = t.version, place = point(t.lon, t.lat), commune = t.commune,
    zone = t.zone, agency = t.agency, folded = t.folded, body = t.body::jsonb
FROM unnest(%(id)s::text[], %(kind)s::text[], %(severity)s::int[], %(status)s::text[], %(opened_at)s::timestamptz[],
            %(updated_at)s::timestamptz[], %(last_signal_at)s::timestamptz[], %(version)s::int[], %(lon)s::float8[],
            %(lat)s::float8[], %(commune)s::text[], %(zone)s::text[], %(agency)s::text[], %(folded)s::text[],
            %(body)s::text[])
     AS t (id, kind, severity, status, opened_at, updated_at, last_signal_at, version, lon, lat, commune, zone,
           agency, folded, body)
WHERE i.id = t.id;

-- name: changes_of -- gives the changes of one incident from a version on, with their feed ids
SELECT feed_id, change::text FROM incident_change
WHERE incident = %(incident)s AND version >= %(version)s ORDER BY feed_id;

-- name: insert_links -- writes why signals belong to incidents
INSERT INTO incident_signal (incident, signal, episode, rule, rule_version, linked_at, distance_m, delay_s, reason)
SELECT * FROM unnest(%(incident)s::text[], %(signal)s::text[], %(episode)s::text[], %(rule)s::text[],
                     %(rule_version)s::int[], %(linked_at)s::timestamptz[], %(distance_m)s::float8[],
                     %(delay_s)s::float8[], %(reason)s::text[])
ON CONFLICT (incident, signal) DO NOTHING;

-- name: take_feed_ids -- moves the head of the feed by n and holds it until the end of the transaction
UPDATE feed_head SET last_id = last_id + %(n)s, recorded_at = greatest(recorded_at, clock_timestamp())
RETURNING last_id, recorded_at;

-- name: insert_feed -- writes numbered changes, their records for the bus, and wakes the readers
WITH line AS (
    INSERT INTO incident_change (feed_id, recorded_at, incident, version, change, body)
    SELECT feed_id, %(recorded_at)s, incident, version, change::jsonb, body::jsonb
    FROM unnest(%(feed_id)s::bigint[], %(incident)s::text[], %(version)s::int[], %(change)s::text[], %(body)s::text[])
         AS t (feed_id, incident, version, change, body)
), sent AS (
    INSERT INTO outbox (topic, key, headers, value)
    SELECT topic, key, headers::jsonb, value
    FROM unnest(%(topic)s::text[], %(key)s::text[], %(headers)s::text[], %(value)s::bytea[]) WITH ORDINALITY
         AS t (topic, key, headers, value, position)
    ORDER BY position
)
SELECT pg_notify('canh_feed', %(last_id)s::text), pg_notify('canh_outbox', '');

-- name: incidents_in_reach -- gives the incidents that some signals may join, and those of their episodes
WITH reach AS (
    SELECT kind, box(point(west, south), point(east, north)) AS area, commune, since, until
    FROM unnest(%(kind)s::text[], %(commune)s::text[], %(since)s::timestamptz[], %(until)s::timestamptz[],
                %(west)s::float8[], %(south)s::float8[], %(east)s::float8[], %(north)s::float8[])
         AS t (kind, commune, since, until, west, south, east, north)
), district AS (
    SELECT kind, commune, bool_or(area IS NULL) AS placeless, min(since) AS since, max(until) AS until
    FROM reach WHERE commune IS NOT NULL GROUP BY kind, commune
), found AS (
    -- OFFSET 0: one look into the index for each reach, never a join of all by kind
    SELECT near.id FROM reach r CROSS JOIN LATERAL (
        SELECT i.id FROM incident i
        WHERE i.place <@ r.area AND i.kind = r.kind AND i.status <> 'closed'
          AND i.opened_at <= r.until AND (i.last_signal_at >= r.since OR i.body ->> 'cleared_at' IS NULL)
        OFFSET 0) AS near
    UNION
    SELECT near.id FROM district d CROSS JOIN LATERAL (
        SELECT i.id FROM incident i
        WHERE i.commune = d.commune AND i.kind = d.kind AND i.status <> 'closed' AND (d.placeless OR i.place IS NULL)
          AND i.opened_at <= d.until AND (i.last_signal_at >= d.since OR i.body ->> 'cleared_at' IS NULL)
        OFFSET 0) AS near
    UNION
    SELECT incident FROM incident_signal WHERE episode = ANY(%(episodes)s)
)
SELECT body::text FROM incident JOIN found USING (id) ORDER BY opened_at, id;

-- name: linked -- gives which of some signals belong to an incident
SELECT DISTINCT signal FROM incident_signal WHERE signal = ANY(%(signals)s);

-- name: episodes_of -- gives the episodes of some incidents with what each tells of and the time it was cleared
SELECT l.incident, l.episode, coalesce(max(s.key), l.episode), max(s.observed_at) FILTER (WHERE s.action = 'clear') AS cleared_at
FROM incident_signal l LEFT JOIN signal s ON s.id = l.signal
WHERE l.incident = ANY(%(incidents)s)
GROUP BY l.incident, l.episode ORDER BY l.incident, l.episode;

-- name: incident_of_episode -- gives the incident that each episode belongs to (the newest link counts)
SELECT DISTINCT ON (episode) episode, incident FROM incident_signal
WHERE episode = ANY(%(episodes)s) ORDER BY episode, linked_at DESC, incident DESC;

-- name: zone_names -- gives the newest names of some zones
SELECT DISTINCT ON (id) id, name FROM zone WHERE id = ANY(%(ids)s) ORDER BY id, valid_from DESC;

-- name: lock_audit -- gives the end of the audit chain and holds it until the end of the transaction
SELECT seq, hash FROM audit_head FOR UPDATE;

-- name: known_audit -- gives which of some entries are in the log
SELECT digest FROM audit WHERE digest = ANY(%(digests)s);

-- name: insert_audit -- appends one line
INSERT INTO audit (seq, at, actor, action, subject, outcome, detail, digest, hash)
VALUES (%(seq)s, %(at)s, %(actor)s, %(action)s, %(subject)s, %(outcome)s, %(detail)s::jsonb, %(digest)s, %(hash)s);

-- name: move_audit -- moves the end of the chain
UPDATE audit_head SET seq = %(seq)s, hash = %(hash)s;

-- name: raise_registry -- tells everybody that the registry changed
WITH raised AS (UPDATE registry_version SET version = version + 1 RETURNING version)
SELECT pg_notify('canh_registry', version::text) FROM raised;

-- name: sources -- gives all registered sources
SELECT body::text FROM source ORDER BY id;

-- name: put_sources -- registers or changes sources, gives those that changed
INSERT INTO source AS s (id, body)
SELECT id, body::jsonb FROM unnest(%(id)s::text[], %(body)s::text[]) AS t (id, body)
ON CONFLICT (id) DO UPDATE SET body = excluded.body WHERE s.body <> excluded.body
RETURNING id;

-- name: source_health -- gives each source with its newest times and counts
SELECT s.body::text, max(c.last_observed_at), max(c.last_received_at),
       coalesce(sum(c.accepted), 0)::bigint, coalesce(sum(c.refused), 0)::bigint
FROM source s LEFT JOIN source_count c ON c.source = s.id
GROUP BY s.id, s.body ORDER BY s.id;

-- name: devices -- gives devices with their newest values
SELECT d.id, d.source, d.kind, d.title, d.lon, d.lat, d.commune, d.metrics,
       max(m.observed_at) AS last_observed_at,
       coalesce(array_agg(m.metric ORDER BY m.metric) FILTER (WHERE m.value IS NOT NULL), '{}') AS measured,
       coalesce(array_agg(m.value ORDER BY m.metric) FILTER (WHERE m.value IS NOT NULL), '{}') AS last_values
FROM device d LEFT JOIN device_metric m ON m.device = d.id
WHERE %(ids)s::text[] IS NULL OR d.id = ANY(%(ids)s)
GROUP BY d.id ORDER BY d.id;

-- name: put_devices -- registers or changes devices (a place that events gave stays when none is given)
INSERT INTO device AS d (id, source, kind, title, lon, lat, commune, metrics)
SELECT id, source, kind, title, lon, lat, commune, metrics::text[]
FROM unnest(%(id)s::text[], %(source)s::text[], %(kind)s::text[], %(title)s::text[], %(lon)s::float8[],
            %(lat)s::float8[], %(commune)s::text[], %(metrics)s::text[])
     AS t (id, source, kind, title, lon, lat, commune, metrics)
ON CONFLICT (id) DO UPDATE SET
    source = excluded.source, kind = excluded.kind, title = excluded.title, lon = coalesce(excluded.lon, d.lon),
    lat = coalesce(excluded.lat, d.lat), commune = coalesce(excluded.commune, d.commune), metrics = excluded.metrics
WHERE (d.source, d.kind, d.title, d.lon, d.lat, d.commune, d.metrics) IS DISTINCT FROM
      (excluded.source, excluded.kind, excluded.title, coalesce(excluded.lon, d.lon), coalesce(excluded.lat, d.lat),
       coalesce(excluded.commune, d.commune), excluded.metrics)
RETURNING id;

-- name: zones -- gives zones of a kind that are valid on a day
SELECT id, kind, code, name, geometry::text, valid_from, valid_to, parent, approximate, version FROM zone
WHERE (%(kind)s::text IS NULL OR kind = %(kind)s)
  AND (%(on)s::date IS NULL OR valid_from <= %(on)s AND (valid_to IS NULL OR valid_to > %(on)s))
ORDER BY id, valid_from;

-- name: put_zones -- registers or changes zones: an equal one is left alone, a changed shape gets the next version
INSERT INTO zone AS z (id, kind, code, name, geometry, valid_from, valid_to, parent, approximate, version)
SELECT id, kind, code, name, geometry::jsonb, valid_from, valid_to, parent, approximate, version
FROM unnest(%(id)s::text[], %(kind)s::text[], %(code)s::text[], %(name)s::text[], %(geometry)s::text[],
            %(valid_from)s::date[], %(valid_to)s::date[], %(parent)s::text[], %(approximate)s::boolean[],
            %(version)s::int[])
     AS t (id, kind, code, name, geometry, valid_from, valid_to, parent, approximate, version)
ON CONFLICT (id, valid_from) DO UPDATE SET
    kind = excluded.kind, code = excluded.code, name = excluded.name, geometry = excluded.geometry,
    valid_to = excluded.valid_to, parent = excluded.parent, approximate = excluded.approximate,
    version = CASE WHEN z.geometry = excluded.geometry THEN z.version ELSE z.version + 1 END
WHERE (z.kind, z.code, z.name, z.geometry, z.valid_to, z.parent, z.approximate) IS DISTINCT FROM
      (excluded.kind, excluded.code, excluded.name, excluded.geometry, excluded.valid_to, excluded.parent,
       excluded.approximate)
RETURNING id;

-- name: registry_version -- gives the number that rises when the registry changes
SELECT version FROM registry_version;

-- name: agencies -- gives all agencies
SELECT body::text FROM agency ORDER BY id;

-- name: put_agencies -- registers or changes agencies
INSERT INTO agency AS a (id, body)
SELECT id, body::jsonb FROM unnest(%(id)s::text[], %(body)s::text[]) AS t (id, body)
ON CONFLICT (id) DO UPDATE SET body = excluded.body WHERE a.body <> excluded.body;

-- name: units -- gives all units with their newest fix, else where they are stationed
SELECT u.id, u.name, u.kind, u.agency, u.home_zone, coalesce(p.lon, u.lon), coalesce(p.lat, u.lat), p.observed_at
FROM unit u LEFT JOIN unit_position p ON p.unit = u.id
ORDER BY u.id;

-- name: put_units -- registers or changes units
INSERT INTO unit AS u (id, name, kind, agency, home_zone, lon, lat)
SELECT * FROM unnest(%(id)s::text[], %(name)s::text[], %(kind)s::text[], %(agency)s::text[], %(home_zone)s::text[],
                     %(lon)s::float8[], %(lat)s::float8[])
ON CONFLICT (id) DO UPDATE SET name = excluded.name, kind = excluded.kind, agency = excluded.agency,
    home_zone = excluded.home_zone, lon = coalesce(excluded.lon, u.lon), lat = coalesce(excluded.lat, u.lat);

-- name: incidents -- gives a page of incidents; {filters} are pieces named only_*
SELECT body::text FROM incident WHERE {filters} ORDER BY updated_at DESC, id DESC LIMIT %(limit)s;

-- name: incident_counts -- gives each severity's open incidents, and how many of these are new; {filters} as above
SELECT severity, count(*), count(*) FILTER (WHERE status = 'new') FROM incident
WHERE {filters} AND NOT status = ANY(%(ended)s) GROUP BY severity;

-- name: only_cursor -- filter: after a place in the list
(updated_at, id) < (%(cursor_at)s, %(cursor_id)s)
-- name: only_bbox -- filter: inside a box
place <@ box(point(%(west)s, %(south)s), point(%(east)s, %(north)s))
-- name: only_communes -- filter: in these communes
commune = ANY(%(communes)s)
-- name: only_kinds -- filter: of these kinds
kind = ANY(%(kinds)s)
-- name: only_statuses -- filter: in these states
status = ANY(%(statuses)s)
-- name: only_agencies -- filter: of these agencies
agency = ANY(%(agencies)s)
-- name: only_severity -- filter: at least this severe
severity >= %(severity_min)s
-- name: only_since -- filter: changed since
updated_at >= %(since)s
-- name: only_until -- filter: opened before
opened_at < %(until)s
-- name: only_scope_agencies -- filter: what the reader's agencies may see
agency = ANY(%(scope_agencies)s)
-- name: only_scope_communes -- filter: what the reader's territory may see
commune = ANY(%(scope_communes)s)
-- name: only_id -- filter: one incident
id = %(id)s

-- name: incidents_by_id -- gives some incidents as they stand
SELECT body::text FROM incident WHERE id = ANY(%(ids)s) ORDER BY id;

-- name: timeline -- gives all changes of an incident in feed order
SELECT feed_id, recorded_at, change::text, body::text FROM incident_change
WHERE incident = %(incident)s ORDER BY feed_id;

-- name: evidence -- gives the signals of an incident with why they belong to it, oldest first
SELECT l.incident, l.signal, l.episode, l.rule, l.rule_version, l.linked_at, l.distance_m, l.delay_s, l.reason,
       s.body::text
FROM incident_signal l JOIN signal s ON s.id = l.signal
WHERE l.incident = %(incident)s ORDER BY s.observed_at, s.id;

-- name: is_evidence -- gives a row when a device gave a signal of an incident; {filters} as of incidents
SELECT 1 FROM incident
WHERE {filters} AND id IN (
    SELECT l.incident FROM incident_signal l JOIN signal s ON s.id = l.signal WHERE s.body ->> 'device' = %(device)s
) LIMIT 1;

-- name: feed_head -- gives the newest feed id
SELECT last_id FROM feed_head;

-- name: feed_tail -- gives the oldest feed id that can still be read
SELECT coalesce(min(feed_id), (SELECT last_id + 1 FROM feed_head)) FROM incident_change;

-- name: feed -- gives feed entries after an id, in order
SELECT feed_id, recorded_at, change::text, body::text FROM incident_change
WHERE feed_id > %(after)s ORDER BY feed_id LIMIT %(limit)s;

-- name: series_raw -- gives the values of a device as they are
SELECT observed_at, value, value, value, 1 FROM observation
WHERE device = %(device)s AND metric = %(metric)s AND observed_at >= %(start)s AND observed_at < %(end)s
ORDER BY observed_at;

-- name: series_binned -- gives values rolled up over any step; days begin at midnight in Viet Nam (UTC+7)
SELECT date_bin(make_interval(secs => %(step_s)s), observed_at, timestamptz '2000-01-02 17:00:00+00') AS at,
       avg(value), min(value), max(value), count(*)
FROM observation
WHERE device = %(device)s AND metric = %(metric)s AND observed_at >= %(start)s AND observed_at < %(end)s
GROUP BY at ORDER BY at;

-- name: series_rolled -- gives values of a rollup; {rollup} is observation_1m, observation_1h or observation_1d
-- A rollup lacks what came later than it looks back, the observations lack what retention took: each step is told by the
-- one that knows more samples of it.
SELECT DISTINCT ON (at) at, mean, minimum, maximum, samples FROM (
    SELECT at, mean, minimum, maximum, samples FROM {rollup}
    WHERE device = %(device)s AND metric = %(metric)s AND at >= %(start)s AND at < %(end)s
    UNION ALL
    SELECT date_bin(make_interval(secs => %(step_s)s), observed_at, timestamptz '2000-01-02 17:00:00+00') AS at,
           avg(value), min(value), max(value), count(*)
    FROM observation
    WHERE device = %(device)s AND metric = %(metric)s AND observed_at >= %(start)s AND observed_at < %(end)s
    GROUP BY 1
) AS either ORDER BY at, samples DESC;

-- name: event -- gives one stored event
SELECT body::text FROM event_id JOIN event USING (id, observed_at) WHERE id = %(id)s;

-- name: dead_letters -- gives refusals, newest first, with their bytes or without
SELECT d.id, source, reason, field, message, topic, partition, "offset", received_at, headers::text, item, attempts,
       resolved_at, coalesce(r.raw, '')
FROM dead_letter d LEFT JOIN dead_letter_raw r ON %(raw)s AND r.digest = d.digest
WHERE (%(source)s::text IS NULL OR source = %(source)s) AND (%(reason)s::text IS NULL OR reason = %(reason)s)
  AND (NOT %(unresolved)s OR resolved_at IS NULL)
ORDER BY received_at DESC, id DESC LIMIT %(limit)s;

-- name: dead_letter -- gives the newest refusal whose id begins so
SELECT d.id, source, reason, field, message, topic, partition, "offset", received_at, headers::text, item, attempts,
       resolved_at, raw
FROM dead_letter d JOIN dead_letter_raw r ON r.digest = d.digest
WHERE starts_with(d.id, %(prefix)s)
ORDER BY received_at DESC, id DESC LIMIT 1;

-- name: waiting_dead_letters -- gives unresolved refusals in the order in which they came, after a place in it
SELECT d.id, source, reason, field, message, topic, partition, "offset", received_at, headers::text, item, attempts,
       resolved_at, raw
FROM dead_letter d JOIN dead_letter_raw r ON r.digest = d.digest
WHERE (%(source)s::text IS NULL OR source = %(source)s) AND (%(reason)s::text IS NULL OR reason = %(reason)s)
  AND reason <> ALL(%(without)s) AND resolved_at IS NULL AND last_received_at <= %(until)s
  AND received_at >= %(at)s AND (received_at, partition, "offset", d.id) > (%(at)s, %(partition)s, %(offset)s, %(id)s)
ORDER BY received_at, partition, "offset", d.id LIMIT %(limit)s;

-- name: resolve_dead_letters -- marks refusals as sent again, unless they came again after that
UPDATE dead_letter SET resolved_at = %(at)s
WHERE id = ANY(%(ids)s) AND resolved_at IS NULL AND last_received_at <= %(at)s RETURNING id;

-- name: refusals -- gives the number of unresolved refusals by reason
SELECT reason, count(*) FROM dead_letter WHERE resolved_at IS NULL GROUP BY reason ORDER BY reason;

-- name: accounts -- gives all accounts, or one
SELECT name, role, password_hash, display_name, agency, communes, enabled FROM account
WHERE %(name)s::text IS NULL OR name = %(name)s ORDER BY name;

-- name: put_account -- creates or changes an account; its sessions end when anything changes that they stand on
WITH ended AS (
    DELETE FROM session USING account a
    WHERE session.account = a.name AND a.name = %(name)s
      AND (a.role, a.password_hash, a.agency, a.communes, a.enabled) IS DISTINCT FROM
          (%(role)s, %(password_hash)s, %(agency)s, %(communes)s::text[], %(enabled)s)
)
INSERT INTO account (name, role, password_hash, display_name, agency, communes, enabled)
VALUES (%(name)s, %(role)s, %(password_hash)s, %(display_name)s, %(agency)s, %(communes)s::text[], %(enabled)s)
ON CONFLICT (name) DO UPDATE SET role = excluded.role, password_hash = excluded.password_hash,
    display_name = excluded.display_name, agency = excluded.agency, communes = excluded.communes,
    enabled = excluded.enabled;

-- name: session -- gives a session that has not expired
SELECT token_hash, account, csrf, created_at, expires_at FROM session
WHERE token_hash = %(token_hash)s AND expires_at > now();

-- name: put_session -- remembers a session, forgets those that expired
WITH expired AS (DELETE FROM session WHERE expires_at <= now() AND token_hash <> %(token_hash)s)
INSERT INTO session (token_hash, account, csrf, created_at, expires_at)
VALUES (%(token_hash)s, %(account)s, %(csrf)s, %(created_at)s, %(expires_at)s)
ON CONFLICT (token_hash) DO UPDATE SET csrf = excluded.csrf, expires_at = excluded.expires_at;

-- name: drop_session -- forgets a session
DELETE FROM session WHERE token_hash = %(token_hash)s;

-- name: api_keys -- gives all API keys, or one
SELECT key_id, secret_hash, title, scopes, sources, created_at, expires_at, revoked_at FROM api_key
WHERE %(key_id)s::text IS NULL OR key_id = %(key_id)s ORDER BY created_at, key_id;

-- name: put_api_key -- creates or changes an API key
INSERT INTO api_key (key_id, secret_hash, title, scopes, sources, created_at, expires_at, revoked_at)
VALUES (%(key_id)s, %(secret_hash)s, %(title)s, %(scopes)s::text[], %(sources)s::text[], %(created_at)s,
        %(expires_at)s, %(revoked_at)s)
ON CONFLICT (key_id) DO UPDATE SET secret_hash = excluded.secret_hash, title = excluded.title,
    scopes = excluded.scopes, sources = excluded.sources, expires_at = excluded.expires_at,
    revoked_at = excluded.revoked_at;

-- name: audit_log -- gives audit entries, newest first
SELECT seq, at, actor, action, subject, outcome, detail::text FROM audit
WHERE %(before)s::bigint IS NULL OR seq < %(before)s ORDER BY seq DESC LIMIT %(limit)s;

-- name: audit_lines -- gives audit lines with their hashes after a number, in order
SELECT seq, at, actor, action, subject, outcome, detail::text, digest, hash FROM audit
WHERE seq > %(after)s ORDER BY seq LIMIT 1000;

-- name: audit_head -- gives the end of the audit chain
SELECT seq, hash FROM audit_head;

-- name: migrations_applied -- gives how many migrations the database has
SELECT count(*) FROM schema_migration;

-- name: tables -- gives the names of all our tables
SELECT relname FROM pg_class
WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p') AND relname <> 'schema_migration'
ORDER BY relname;

-- name: checksum -- gives an order-free digest of a table; {table} is its name
SELECT count(*)::text || ':' || coalesce(sum(hashtextextended(t::text, 0)::numeric), 0)::text FROM {table} t;
