"""The metrics that Canh knows: the unit each is kept in, what is plausible, and its names."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric: `unit` in UCUM, plausible range in that unit (outside it a value is marked, not dropped)."""

    id: str
    unit: str
    low: float
    high: float
    vi: str
    en: str


# Ranges: after the sensor catalogue of the domain study (section 3.9). Nothing is rejected; what is outside is marked,
# and no rule but that of silence looks at it. So they are wide: they hold all that can be, and drift around zero.
METRICS: dict[str, Metric] = {
    metric.id: metric
    for metric in (
        Metric("water_level", "m", -10, 1000, "Mực nước", "Water level"),
        Metric("water_flow", "m3/s", 0, 50_000, "Lưu lượng", "Water flow"),
        Metric("flood_depth", "cm", -10, 500, "Độ sâu ngập", "Flood depth"),
        Metric("rain", "mm", 0, 500, "Lượng mưa", "Rain"),
        Metric("rain_rate", "mm/h", 0, 200, "Cường độ mưa", "Rain rate"),
        Metric("pm2_5", "ug/m3", -20, 1000, "Bụi PM2.5", "PM2.5"),
        Metric("pm10", "ug/m3", -20, 2000, "Bụi PM10", "PM10"),
        Metric("o3", "ug/m3", -20, 2000, "Ôzôn", "Ozone"),
        Metric("no2", "ug/m3", -20, 5000, "Nitơ điôxít", "Nitrogen dioxide"),
        Metric("so2", "ug/m3", -20, 5000, "Lưu huỳnh điôxít", "Sulphur dioxide"),
        Metric("co", "ug/m3", -500, 200_000, "Cacbon monoxit", "Carbon monoxide"),
        Metric("vn_aqi", "1", 0, 500, "Chỉ số VN_AQI", "VN_AQI"),
        Metric("noise_laeq", "dB[A]", 30, 130, "Tiếng ồn LAeq", "Noise LAeq"),
        Metric("temperature", "Cel", -10, 60, "Nhiệt độ", "Temperature"),
        Metric("humidity", "%", 0, 100, "Độ ẩm", "Humidity"),
        Metric("wind_speed", "m/s", 0, 90, "Tốc độ gió", "Wind speed"),
        Metric("pressure", "hPa", 800, 1100, "Khí áp", "Air pressure"),
        Metric("battery", "%", 0, 100, "Pin", "Battery"),
        Metric("vehicle_count", "1", 0, 100_000, "Số xe", "Vehicles"),
        Metric("vehicle_speed", "km/h", 0, 200, "Tốc độ xe", "Vehicle speed"),
        Metric("people_count", "1", 0, 100_000, "Số người", "People"),
    )
}
