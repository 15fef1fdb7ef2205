"""The incident kinds that the first rules give, as the ground truth names them."""

from __future__ import annotations

FLOOD_RIVER = "flood.river"
FLOOD_URBAN = "flood.urban"
FIRE = "fire.structure"
AIR = "air.quality"
CROWD = "public.order"
UNIT_OUTSIDE = "unit.outside"
SENSOR_SILENT = "sensor.silent"
CRASH = "traffic.crash"
ROAD = "infra.road"
POWER = "infra.power"
