"""Says where: zones, jurisdiction, distances. Pure functions over WGS 84 lon, lat; no I/O, no clock."""
