"""What attributes of FIWARE Smart Data Models mean: our metric and the unit that the model states; unit codes."""

from __future__ import annotations

#: Attribute to (metric, unit of the model in UCUM). An empty unit: the model leaves it open, so the message must carry
#: a unitCode or the source's unit map must tell it; a guess would be wrong by a factor of 1000.
#: Source: schemas of smart-data-models/dataModel.Environment, .Weather, .Transportation, .Device (2025).
ATTRIBUTES: dict[str, tuple[str, str]] = {
    "temperature": ("temperature", "Cel"),
    "airTemperature": ("temperature", "Cel"),
    "airTemperatureTSA": ("temperature", "Cel"),
    "relativeHumidity": ("humidity", "1"),
    "relativeHumidityTSA": ("humidity", ""),
    "atmosphericPressure": ("pressure", "hPa"),
    "atmosphericPressureTSA": ("pressure", "hPa"),
    "windSpeed": ("wind_speed", "m/s"),
    "precipitation": ("rain", "L/m2"),
    "pm25": ("pm2_5", ""),
    "pm2_5": ("pm2_5", ""),
    "PM25": ("pm2_5", ""),
    "pm25TSA": ("pm2_5", ""),
    "pm10": ("pm10", ""),
    "PM10": ("pm10", ""),
    "pm10TSA": ("pm10", ""),
    "o3": ("o3", ""),
    "o3TSA": ("o3", ""),
    "no2": ("no2", ""),
    "no2TSA": ("no2", ""),
    "so2": ("so2", ""),
    "so2TSA": ("so2", ""),
    "co": ("co", ""),
    "coTSA": ("co", ""),
    "LAeq": ("noise_laeq", "dB[A]"),
    "waterLevel": ("water_level", "m"),
    "height": ("water_level", "m"),
    "currentLevel": ("water_level", "m"),
    "flow": ("water_flow", ""),
    "waterDischarge": ("water_flow", ""),
    "averageVehicleSpeed": ("vehicle_speed", "km/h"),
    "intensity": ("vehicle_count", "1"),
    "peopleCount": ("people_count", "1"),
    "batteryLevel": ("battery", "1"),
    "battery": ("battery", "1"),
}
#: Attributes that mean this in one type only: a person's height is no water level.
ONLY_IN: dict[str, frozenset[str]] = {
    "height": frozenset({"WaterObserved"}),
    "intensity": frozenset({"TrafficFlowObserved"}),
    "flow": frozenset({"WaterObserved"}),
}
#: Types whose entity is a moving thing with a position of its own.
VEHICLES = frozenset({"Vehicle", "FleetVehicleStatus"})
#: Where the time of an observation stands, best first.
TIMES = (
    "dateObserved",
    "dateObservedTo",
    "observationDateTime",
    "dateObservedFrom",
    "observedAt",
    "TimeInstant",
    "lastKnownPositionUpdatedAt",
    "dateModified",
    "modifiedAt",
)
#: Severity of an Alert entity to ours (1 low to 5 disaster).
SEVERITIES = {"informational": 1, "low": 1, "medium": 2, "high": 3, "critical": 4}

#: UN/CEFACT Recommendation 20 common codes to UCUM.
CEFACT: dict[str, str] = {
    "GQ": "ug/m3", "GP": "mg/m3", "A93": "g/m3", "59": "[ppm]", "61": "[ppb]", "P1": "%", "C62": "1", "H87": "1",
    "CEL": "Cel", "KEL": "K", "FAH": "[degF]",
    "MTR": "m", "CMT": "cm", "MMT": "mm", "KMT": "km", "KTM": "km", "SMI": "[mi_i]", "FOT": "[ft_i]", "INH": "[in_i]",
    "MTS": "m/s", "KMH": "km/h", "KNT": "[kn_i]", "HM": "[mi_i]/h", "H67": "mm/h",
    "A97": "hPa", "PAL": "Pa", "KPA": "kPa", "MBR": "mbar", "BAR": "bar",
    "MQS": "m3/s", "MQH": "m3/h", "G51": "L/s", "L2": "L/min",
    "2N": "dB", "LUX": "lx", "LUM": "lm", "DD": "deg", "C81": "rad", "HTZ": "Hz",
    "VLT": "V", "2Z": "mV", "KVT": "kV", "AMP": "A", "4K": "mA", "WTT": "W", "KWT": "kW", "WHR": "Wh", "KWH": "kWh",
    "D54": "W/m2", "SEC": "s", "MIN": "min", "HUR": "h", "DAY": "d",
    "LTR": "L", "MTQ": "m3", "MTK": "m2", "KGM": "kg", "GRM": "g", "TNE": "t", "M1": "mg/L", "H29": "ug/L",
}  # fmt: skip
