"""A small scripted world for the page tests: communes, devices, sources and incidents of one province, all invented."""

from __future__ import annotations

import math
import random
from datetime import UTC, datetime, timedelta
from typing import Any

import shapely

Json = dict[str, Any]

#: Name, code, lon, lat: public names, places to about five kilometres.
PLACES = [
    ("Phường Buôn Ma Thuột", "24133", 108.050, 12.680), ("Phường Tân An", "24154", 108.060, 12.730),
    ("Phường Tân Lập", "24121", 108.085, 12.690), ("Phường Thành Nhất", "24163", 108.000, 12.660),
    ("Phường Ea Kao", "24169", 108.060, 12.610), ("Phường Buôn Hồ", "24305", 108.268, 12.910),
    ("Phường Cư Bao", "24340", 108.210, 12.850), ("Xã Ea Súp", "24211", 107.880, 13.070),
    ("Xã Buôn Đôn", "24235", 107.780, 12.880), ("Xã Ea Nuôl", "24241", 107.920, 12.780),
    ("Xã Quảng Phú", "24259", 108.070, 12.820), ("Xã Cư M'gar", "24277", 108.040, 12.900),
    ("Xã Ea H'Leo", "24184", 108.200, 13.230), ("Xã Krông Năng", "24343", 108.350, 12.960),
    ("Xã Ea Kar", "24373", 108.450, 12.810), ("Xã M'Drắk", "24412", 108.750, 12.750),
    ("Xã Krông Bông", "24448", 108.350, 12.530), ("Xã Krông Pắc", "24490", 108.280, 12.700),
    ("Xã Krông Ana", "24538", 108.040, 12.500), ("Xã Liên Sơn Lắk", "24580", 108.190, 12.400),
    ("Phường Tuy Hoà", "22015", 109.300, 13.090), ("Phường Phú Yên", "22240", 109.300, 13.020),
    ("Phường Bình Kiến", "22045", 109.280, 13.140), ("Xã Sơn Hoà", "22165", 108.980, 13.050),
    ("Xã Sông Hinh", "22207", 108.920, 12.950), ("Xã Tây Hoà", "22250", 109.200, 12.980),
    ("Xã Hoà Xuân", "22258", 109.380, 12.900), ("Phường Sông Cầu", "22051", 109.220, 13.450),
    ("Xã Đồng Xuân", "22081", 109.080, 13.380), ("Xã Tuy An Đông", "22114", 109.250, 13.290),
]  # fmt: skip

OUTLINE = [
    (107.50, 12.90), (107.60, 13.20), (107.85, 13.35), (108.20, 13.38), (108.45, 13.15), (108.75, 13.20),
    (108.85, 13.45), (109.02, 13.62), (109.24, 13.60), (109.30, 13.35), (109.34, 13.08), (109.46, 12.88),
    (109.30, 12.82), (108.98, 12.82), (108.90, 12.62), (108.62, 12.45), (108.40, 12.25), (108.12, 12.20),
    (107.95, 12.38), (107.88, 12.60), (107.70, 12.70),
]  # fmt: skip

KINDS = [
    ("flood.river", "Lũ sông", "River flood"), ("flood.urban", "Ngập úng đô thị", "Urban flooding"),
    ("fire.structure", "Cháy nhà, công trình", "Structure fire"), ("fire.forest", "Cháy rừng", "Forest fire"),
    ("air.quality", "Ô nhiễm không khí", "Air quality"), ("traffic.crash", "Tai nạn giao thông", "Road crash"),
    ("traffic.jam", "Ùn tắc", "Congestion"), ("public.order", "An ninh trật tự", "Public order"),
    ("sensor.silent", "Cảm biến im lặng", "Sensor silent"), ("unit.strayed", "Đội rời địa bàn", "Unit left its area"),
]  # fmt: skip

METRICS = [
    ("water_level", "m", "Mực nước", "Water level"), ("flood_depth", "cm", "Độ sâu ngập", "Flood depth"),
    ("pm2_5", "ug/m3", "Bụi PM2.5", "PM2.5"), ("rain", "mm", "Lượng mưa", "Rain"),
    ("vehicle_count", "1", "Số xe", "Vehicles"),
]  # fmt: skip

AGENCIES = [
    ("bch-ptds", "Ban Chỉ huy Phòng thủ dân sự tỉnh"), ("pccc", "Phòng Cảnh sát PCCC và CNCH"),
    ("so-nnmt", "Sở Nông nghiệp và Môi trường"), ("csgt", "Phòng Cảnh sát giao thông"),
    ("ubnd-bmt", "UBND phường Buôn Ma Thuột"), ("ubnd-th", "UBND phường Tuy Hoà"),
]  # fmt: skip

SOURCES = [
    ("quan-trac-song", "Trạm thuỷ văn sông Ba, Srêpôk", "sensor", 600, "fresh"),
    ("ngap-do-thi", "Cảm biến ngập đô thị", "sensor", 120, "fresh"),
    ("khong-khi", "Trạm không khí tự động", "sensor", 300, "late"),
    ("camera-giao-thong", "Camera giao thông", "camera", None, "fresh"),
    ("phan-anh", "Phản ánh hiện trường", "report", None, "fresh"),
    ("tram-ea-sup", "Trạm đo mưa Ea Súp", "sensor", 600, "silent"),
]  # fmt: skip

#: kind, severity, vi, en, source, metric, value, threshold
SCRIPTS = [
    ("flood.river", 5, "Sông Ba tại Củng Sơn vượt lũ lịch sử", "Ba river at Cung Son above its record",
     "quan-trac-song", "water_level", 40.99, 39.9),
    ("flood.river", 4, "Sông Ba tại Phú Lâm trên báo động 3", "Ba river at Phu Lam above alarm level 3",
     "quan-trac-song", "water_level", 5.4, 3.7),
    ("fire.structure", 4, "Camera phát hiện khói tại chợ Buôn Ma Thuột", "Camera sees smoke at Buon Ma Thuot market",
     "camera-giao-thong", None, None, None),
    ("flood.urban", 3, "Ngập 46 cm trên đường Phan Chu Trinh", "46 cm of water on Phan Chu Trinh street",
     "ngap-do-thi", "flood_depth", 46, 30),
    ("traffic.crash", 3, "Va chạm liên hoàn trên quốc lộ 14", "Pile-up on national road 14",
     "camera-giao-thong", None, None, None),
    ("air.quality", 2, "PM2.5 cao kéo dài tại Tân Lập", "PM2.5 stays high at Tan Lap",
     "khong-khi", "pm2_5", 96, 80),
    ("flood.river", 3, "Sông Srêpôk tại Bản Đôn trên báo động 2", "Srepok river at Ban Don above alarm level 2",
     "quan-trac-song", "water_level", 172.9, 172.5),
    ("public.order", 3, "Đám đông bất thường ở quảng trường 10 tháng 3", "Unusual crowd at 10 March square",
     "camera-giao-thong", None, None, None),
    ("traffic.jam", 1, "Ùn tắc tại ngã sáu Buôn Ma Thuột", "Congestion at the six-way junction",
     "camera-giao-thong", "vehicle_count", 412, 350),
    ("sensor.silent", 2, "Trạm đo mưa Ea Súp im lặng 40 phút", "Rain gauge Ea Sup silent for 40 minutes",
     "tram-ea-sup", "rain", 0, None),
    ("fire.forest", 4, "Khói trong rừng Yok Đôn", "Smoke in Yok Don forest",
     "camera-giao-thong", None, None, None),
    ("unit.strayed", 1, "Xe cứu hộ số 7 rời địa bàn", "Rescue vehicle 7 left its area",
     "phan-anh", None, None, None),
    ("flood.urban", 2, "Ngập 22 cm ở đường Hùng Vương, Tuy Hoà", "22 cm of water on Hung Vuong street, Tuy Hoa",
     "ngap-do-thi", "flood_depth", 22, 15),
    ("air.quality", 1, "Khói đốt rẫy ở Krông Bông", "Smoke of burning fields at Krong Bong",
     "phan-anh", None, None, None),
]  # fmt: skip

THRESHOLDS: dict[str, list[tuple[float, str, int]]] = {
    "water_level": [(1.7, "BĐ1", 2), (2.7, "BĐ2", 3), (3.7, "BĐ3", 4)],
    "flood_depth": [(15, "Cảnh báo xe máy", 2), (30, "Cấm đường", 3)],
    "pm2_5": [(50, "Kém", 2), (80, "Xấu", 3)],
}


def zones() -> Json:
    """Give the communes: Voronoi cells of their places inside a rough outline of the province."""
    outline = shapely.Polygon(OUTLINE)
    places = shapely.MultiPoint([(lon, lat) for _, _, lon, lat in PLACES])
    cells = list(shapely.voronoi_polygons(places, extend_to=outline.buffer(0.5)).geoms)
    features = []
    for name, code, lon, lat in PLACES:
        cell = next(cell for cell in cells if cell.contains(shapely.Point(lon, lat))).intersection(outline)
        shape = shapely.set_precision(cell, 1e-5)
        features.append({
            "type": "Feature", "geometry": shapely.geometry.mapping(shape),
            "properties": {"id": f"commune:{code}", "kind": "commune", "code": code, "name": name, "approximate": True},
        })  # fmt: skip
    return {"type": "FeatureCollection", "features": features}


def stamp(when: datetime) -> str:
    """Give a time as the contract writes it."""
    return when.astimezone(UTC).isoformat().replace("+00:00", "Z")


def device_of(number: int) -> str:
    """Give the id of a device."""
    return f"thiet-bi-{number:03d}"


def devices(now: datetime, seed: int = 7) -> list[Json]:
    """Give 60 devices near the places, some late, some silent."""
    random_ = random.Random(seed)
    result = []
    for number in range(60):
        name, code, lon, lat = PLACES[number % len(PLACES)]
        source, _, kind, cadence, _ = SOURCES[number % 4]
        late = random_.choice([0.3, 0.4, 0.6, 0.7, 4, 30])
        metric = ["water_level", "flood_depth", "pm2_5", "vehicle_count"][number % 4]
        result.append({
            "id": device_of(number), "source": source, "kind": kind, "title": f"{kind.title()} {number:02d}, {name}",
            "lon": lon + random_.uniform(-0.05, 0.05), "lat": lat + random_.uniform(-0.05, 0.05), "commune": code,
            "metrics": [metric], "last_observed_at": stamp(now - timedelta(seconds=late * (cadence or 600))),
            "last_values": {metric: round(random_.uniform(1, 60), 1)},
        })  # fmt: skip
    return result


def incident(number: int, now: datetime, **changes: Any) -> Json:
    """Give one incident made from the scripts."""
    random_ = random.Random(number)
    kind, severity, vi, en, *_ = SCRIPTS[number % len(SCRIPTS)]
    _, code, lon, lat = PLACES[(number * 7) % len(PLACES)]
    opened = now - timedelta(minutes=3 + number * 11, seconds=number * 7 % 60)
    *_, metric, value, threshold = SCRIPTS[number % len(SCRIPTS)]
    readings = [
        {"device": device_of(0), "metric": metric, "value": part * value, "threshold": threshold, "at": stamp(at)}
        for part, at in ((0.5, opened + timedelta(minutes=2)), (1, opened))
        if metric is not None and value is not None
    ]
    status = ["new", "acknowledged", "new", "assigned", "new", "resolved"][number % 6]
    return {
        "type": "incident.v1", "id": f"su-co-{number:04d}", "kind": kind, "title": {"vi": vi, "en": en},
        "severity": severity, "status": status, "opened_at": stamp(opened), "updated_at": stamp(opened),
        "last_signal_at": stamp(opened + timedelta(minutes=2)), "version": 3,
        "lon": lon + random_.uniform(-0.03, 0.03), "lat": lat + random_.uniform(-0.03, 0.03), "commune": code,
        "zone": None, "agency": AGENCIES[number % len(AGENCIES)][0] if status == "assigned" else None, "assignee": None,
        "cleared_at": stamp(now - timedelta(minutes=1)) if number % 9 == 5 else None, "signal_count": 2,
        "source_count": 1 + number % 3, "marks": ["simulated"], "latest": readings[0] if readings else None,
        "gravest": readings[1] if readings else None, **changes,
    }  # fmt: skip


def change_of(incident_: Json, change: str, actor: str, at: datetime, **detail: Any) -> Json:
    """Give one step of a timeline."""
    return {
        "type": "incident_change.v1", "incident": incident_["id"], "version": incident_["version"], "change": change,
        "at": stamp(at), "actor": actor, "severity": incident_["severity"], "status": incident_["status"],
        "detail": detail,
    }  # fmt: skip


def evidence_of(incident_: Json) -> list[Json]:
    """Give the signals behind an incident."""
    number = int(incident_["id"].rsplit("-", 1)[-1]) if incident_["id"].startswith("su-co-") else 0
    kind, severity, vi, en, _, metric, value, threshold = SCRIPTS[number % len(SCRIPTS)]
    opened = datetime.fromisoformat(incident_["opened_at"])
    result = []
    for step, action in enumerate(["raise", "update"]):
        signal = {
            "type": "signal.v1", "id": f"{incident_['id']}-{action}", "rule": kind.replace(".", "-"), "rule_version": 2,
            "kind": kind, "action": action, "key": device_of(0), "episode": "e1", "severity": severity,
            "started_at": incident_["opened_at"], "observed_at": stamp(opened + timedelta(minutes=step * 2)),
            "title": {"vi": vi, "en": en}, "lon": incident_["lon"], "lat": incident_["lat"], "commune": None,
            "zone": None,
            "device": device_of(step * 4) if metric else None, "metric": metric,
            "value": None if value is None else round(value * (0.9 + step * 0.1), 2), "threshold": threshold,
            "evidence": [], "merge_m": 500, "merge_s": 1800, "marks": ["simulated"],
        }  # fmt: skip
        link = {
            "incident": incident_["id"], "signal": signal["id"], "episode": "e1", "rule": signal["rule"],
            "rule_version": 2, "linked_at": signal["observed_at"], "distance_m": step * 140.0,
            "delay_s": 2.0 + step * 9, "reason": "same kind, near, soon",
        }  # fmt: skip
        title = f"Trạm số {step + 1}" if metric else None
        result.append({"link": link, "signal": signal, "device_title": title})
    return result


def series(device: str, metric: str, start: datetime, end: datetime) -> Json:
    """Give a rising and falling series with one gap and thresholds."""
    labels = THRESHOLDS.get(metric, [])
    top = labels[-1][0] * 1.35 if labels else 60
    points, gaps = [], []
    count = 120
    step = (end - start) / count
    for index in range(count):
        at = int((start + step * index).timestamp() * 1000)
        if 34 <= index < 44:
            continue
        level = top * (0.3 + 0.7 * math.exp(-(((index - 92) / 30) ** 2))) + math.sin(index * 1.7) * top * 0.012
        points.append([at, round(level, 2), round(level - top * 0.03, 2), round(level + top * 0.03, 2)])
    gaps.append([int((start + step * 34).timestamp() * 1000), int((start + step * 44).timestamp() * 1000)])
    unit = next((unit for id_, unit, _, _ in METRICS if id_ == metric), "1")
    limits = [
        {"value": value, "label": {"vi": name, "en": name}, "severity": severity} for value, name, severity in labels
    ]
    return {
        "device": device, "metric": metric, "unit": unit, "step_s": step.total_seconds(), "points": points,
        "gaps": gaps,
        "thresholds": limits, "as_of": stamp(end),
    }  # fmt: skip
