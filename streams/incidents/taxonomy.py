"""Names the kinds of incidents as data: words in both languages, who leads, how grave they start, which icon."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from schemas.events import Agency


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of incident.

    `agency` is the kind of the agency that leads (compared with `Agency.kind`), `lead` and `lead_en` its name for
    people, `line` the telephone line of the public, `severity` 1 to 5 where an incident of this kind starts when
    nothing else says so.
    """

    id: str
    vi: str
    en: str
    agency: str
    lead: str
    lead_en: str
    severity: int
    icon: str
    line: str = ""


# The taxonomy of the domain study (its section 2). Severity follows the five disaster-risk levels of Decision
# 18/2021/QĐ-TTg, used for all kinds; flood.river and air.quality are graded by their rules.
KINDS: dict[str, Kind] = {
    kind.id: kind
    for kind in (
        Kind("fire.structure", "Cháy nhà, công trình", "Structure fire", "fire", "Cảnh sát PCCC&CNCH",
             "Fire and rescue police", 4, "fire", "114"),
        Kind("fire.forest", "Cháy rừng", "Forest fire", "forest", "Kiểm lâm", "Forest rangers", 3, "forest-fire",
             "114/112"),
        Kind("rescue", "Cứu nạn, cứu hộ, đuối nước", "Rescue", "fire", "Cảnh sát PCCC&CNCH", "Fire and rescue police",
             4, "rescue", "114/112"),
        Kind("flood.river", "Lũ sông", "River flood", "civil_defence", "Ban chỉ huy Phòng thủ dân sự",
             "Civil defence command", 2, "river", "112"),
        Kind("flood.urban", "Ngập úng đô thị", "Urban flooding", "commune", "UBND phường, xã", "Commune committee", 2,
             "flood", "1022"),
        Kind("flashflood.landslide", "Lũ quét, sạt lở", "Flash flood, landslide", "civil_defence",
             "Ban chỉ huy Phòng thủ dân sự", "Civil defence command", 4, "landslide", "112"),
        Kind("reservoir", "Sự cố hồ đập, xả lũ", "Dam or reservoir", "environment", "Chủ đập, Sở NN&MT",
             "Dam owner, agriculture and environment", 4, "dam", "112"),
        Kind("storm", "Bão, lốc, sét, mưa đá", "Storm", "civil_defence", "Ban chỉ huy Phòng thủ dân sự",
             "Civil defence command", 3, "storm", "112"),
        Kind("air.quality", "Ô nhiễm không khí", "Air quality", "environment", "Sở NN&MT",
             "Agriculture and environment", 2, "air", "1022"),
        Kind("noise", "Tiếng ồn", "Noise", "commune", "UBND xã, phường", "Commune committee", 1, "noise", "1022"),
        Kind("waste", "Rác thải", "Waste", "commune", "UBND xã, phường", "Commune committee", 1, "waste", "1022"),
        Kind("water", "Nước thải", "Waste water", "commune", "UBND xã, phường", "Commune committee", 1, "water",
             "1022"),
        Kind("traffic.crash", "Tai nạn giao thông", "Road crash", "traffic_police", "Cảnh sát giao thông",
             "Traffic police", 3, "crash", "113/115"),
        Kind("traffic.jam", "Ùn tắc giao thông", "Congestion", "traffic_police", "Cảnh sát giao thông",
             "Traffic police", 1, "jam", "1022"),
        Kind("public.order", "An ninh trật tự", "Public order", "police", "Công an xã, phường", "Commune police", 3,
             "order", "113"),
        Kind("health.emergency", "Cấp cứu y tế", "Medical emergency", "ambulance", "Trung tâm cấp cứu",
             "Emergency medical centre", 4, "ambulance", "115"),
        Kind("health.outbreak", "Dịch bệnh, ngộ độc", "Outbreak", "health", "Sở Y tế, CDC", "Health department", 3,
             "outbreak", "1022"),
        Kind("infosec", "Sự cố an toàn thông tin", "Cyber incident", "csirt", "Đội ứng cứu sự cố (CSIRT)",
             "Cyber response team", 3, "cyber"),
        Kind("privacy.breach", "Lộ dữ liệu cá nhân", "Personal-data breach", "csirt", "Cán bộ bảo vệ dữ liệu, Công an",
             "Data protection officer, police", 4, "privacy"),
        Kind("infra.power", "Mất điện", "Power outage", "power", "Điện lực", "Power company", 2, "power", "1022"),
        Kind("infra.water", "Mất nước", "Water outage", "water", "Cấp nước", "Water company", 2, "water", "1022"),
        Kind("infra.telecom", "Mất viễn thông", "Telecom outage", "telecom", "Nhà mạng", "Operator", 2, "telecom",
             "1022"),
        Kind("infra.road", "Hư hỏng đường, cống, cây đổ", "Road, manhole, fallen tree", "construction", "Sở Xây dựng",
             "Construction department", 2, "road", "1022"),
        # the next two are our own: health of the watch itself, and of the people in the field
        Kind("sensor.silent", "Thiết bị mất tín hiệu", "Device silent", "science_technology",
             "Đơn vị vận hành thiết bị", "Device operator", 1, "sensor"),
        Kind("unit.outside", "Lực lượng rời địa bàn", "Unit outside its area", "ioc",
             "Trung tâm điều hành", "Operations center", 2, "unit"),
        Kind("service.casefile_overdue", "Hồ sơ quá hạn", "Overdue file", "office", "Sở, xã giữ hồ sơ",
             "Office that holds the file", 1, "file"),
        Kind("service.outage", "Gián đoạn dịch vụ công, LGSP", "E-service outage", "science_technology", "Sở KH&CN",
             "Science and technology department", 3, "service"),
        Kind("child.social", "Trẻ em, bạo lực gia đình", "Child protection", "police", "Công an xã, Sở Y tế",
             "Commune police, health department", 4, "child", "111"),
    )
}  # fmt: skip


def lead_agency(kind: str, commune: str | None, agencies: Sequence[Agency], on: date) -> Agency | None:
    """Give the agency that answers for a kind in a commune on a day; None when nobody is registered for it.

    An agency of the leading kind goes before others, one named for the commune before one for all, then by id. An
    agency without competences answers only for kinds that its own kind leads.
    """
    leading = KINDS[kind].agency if kind in KINDS else ""
    fit = [agency for agency in agencies if _answers(agency, kind, leading, commune) and _valid(agency, on)]
    return min(fit, key=lambda agency: (agency.kind != leading, not agency.communes, agency.id), default=None)


def _answers(agency: Agency, kind: str, leading: str, commune: str | None) -> bool:
    competent = kind in agency.competence or kind.partition(".")[0] in agency.competence
    if not competent and (agency.competence or agency.kind != leading):
        return False
    return not agency.communes or commune in agency.communes


def _valid(agency: Agency, on: date) -> bool:
    begun = agency.valid_from is None or agency.valid_from <= on
    return begun and (agency.valid_to is None or on < agency.valid_to)
