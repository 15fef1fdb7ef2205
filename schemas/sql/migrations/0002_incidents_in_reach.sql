-- Correlation looks for open incidents near a place, or of a commune: all that were ever closed there are not in its way.
CREATE INDEX incident_open_place ON incident USING gist (place) WHERE status <> 'closed';
CREATE INDEX incident_open_commune ON incident (commune, kind) WHERE status <> 'closed';
