"""Words of other standards in Canh's own: names of metrics, as people and standards write them."""

from __future__ import annotations

import re

from schemas.metrics import METRICS

#: Folded name (letters and digits only, lower case) to metric; the metric's own id is always among them.
_NAMES: dict[str, str] = {re.sub(r"[^a-z0-9]", "", metric): metric for metric in METRICS} | {
    "airtemperature": "temperature",
    "temp": "temperature",
    "relativehumidity": "humidity",
    "airhumidity": "humidity",
    "rh": "humidity",
    "pm25": "pm2_5",
    "pm2p5": "pm2_5",
    "ozone": "o3",
    "nitrogendioxide": "no2",
    "sulphurdioxide": "so2",
    "sulfurdioxide": "so2",
    "carbonmonoxide": "co",
    "rainfall": "rain",
    "precipitation": "rain",
    "rainrate": "rain_rate",
    "rainintensity": "rain_rate",
    "airpressure": "pressure",
    "atmosphericpressure": "pressure",
    "barometricpressure": "pressure",
    "laeq": "noise_laeq",
    "discharge": "water_flow",
    "riverlevel": "water_level",
    "batterylevel": "battery",
    "peoplecount": "people_count",
}


def metric_of(name: str) -> str:
    """Give our metric for a name such as `Relative Humidity`; an unknown name in lower snake case."""
    found = _NAMES.get(re.sub(r"[^a-z0-9]", "", name.lower()))
    return found or re.sub(r"[^\w.:/]+", "_", name.strip().lower())


def is_metric(name: str) -> bool:
    """Say whether a name is one of a metric that we know."""
    return re.sub(r"[^a-z0-9]", "", name.lower()) in _NAMES


def snake(word: str) -> str:
    """Give a word such as `trafficJam` or `regionEntrance` in lower snake case."""
    return re.sub(r"[^\w]+", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", word.strip())).strip("_").lower()
