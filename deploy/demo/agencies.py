"""The bodies that answer for incidents in the demo, after the real kinds of a province since 1 July 2025.

Who leads which kind of incident follows the taxonomy of the domain study (section 2); a province sets its own.
"""

from __future__ import annotations

from datetime import date

from schemas.events import Agency

#: Two levels of local government: province and commune, since this day.
SINCE = date(2025, 7, 1)
#: Codes of the commune-level units (General Statistics Office): Buôn Ma Thuột and Tuy Hoà wards.
BUON_MA_THUOT, TUY_HOA = "24133", "22015"

_WARD = (
    "flood.urban",
    "noise",
    "waste",
    "water",
    "infra.road",
    "service.casefile_overdue",
)


def _agency(ident: str, name: str, kind: str, competence: tuple[str, ...], communes: tuple[str, ...] = ()) -> Agency:
    return Agency(id=ident, name=name, kind=kind, communes=communes, competence=competence, valid_from=SINCE)


AGENCIES: tuple[Agency, ...] = (
    _agency(
        "pccc-tinh", "Phòng Cảnh sát PCCC và CNCH, Công an tỉnh", "fire", ("fire.structure", "fire.forest", "rescue")
    ),
    _agency(
        "bch-ptds",
        "Ban Chỉ huy Phòng thủ dân sự tỉnh",
        "civil_defence",
        ("flood.river", "flashflood.landslide", "reservoir", "storm"),
    ),
    _agency(
        "so-nnmt", "Sở Nông nghiệp và Môi trường", "environment", ("air.quality", "flood.river", "reservoir", "water")
    ),
    _agency("cong-an-tinh", "Công an tỉnh", "police", ("public.order", "child.social", "infosec", "privacy.breach")),
    _agency("csgt", "Phòng Cảnh sát giao thông, Công an tỉnh", "traffic_police", ("traffic.crash", "traffic.jam")),
    _agency("ubnd-buon-ma-thuot", "UBND phường Buôn Ma Thuột", "commune", _WARD, (BUON_MA_THUOT,)),
    _agency("ubnd-tuy-hoa", "UBND phường Tuy Hoà", "commune", _WARD, (TUY_HOA,)),
    _agency("cap-cuu-115", "Trung tâm Cấp cứu 115", "ambulance", ("health.emergency",)),
    _agency(
        "ioc-tinh",
        "Trung tâm Giám sát, điều hành thông minh tỉnh",
        "ioc",
        (
            "sensor.silent",
            "unit.outside",
            "flood.urban",
            "infra.power",
            "infra.water",
            "infra.telecom",
            "service.outage",
        ),
    ),
)
