"""What was published: levels of the flood of November 2025 and the alarm levels of its stations, as data."""

from __future__ import annotations

#: (hours since 19 November 2025 07:00 in Viet Nam, metres); sources in flood.py.
PUBLISHED: dict[str, tuple[tuple[float, float], ...]] = {
    "river:cung-son": ((0, 35.92), (18, 40.99), (72, 31.45)),
    "river:phu-lam": ((0, 3.94), (20, 5.40), (72, 0.96)),
    "river:giang-son": ((0, 422.02), (73, 425.87), (144, 422.42)),
    "river:ban-don": ((144, 175.84),),
}

#: (severity, metres), rising: alarm levels 1, 2, 3 (BĐ1, BĐ2, BĐ3) give 2, 3, 4; the record of 1993 gives 5.
#: Decision 05/2020/QĐ-TTg; where no bulletin prints a level (BĐ2 at Bản Đôn) it is left out. The records: bulletins
#: of November 2025 that print "1.09 m above 1993" for Củng Sơn and 5.21 m for Phú Lâm.
ALARM_LEVELS_M: dict[str, tuple[tuple[int, float], ...]] = {
    "river:cung-son": ((2, 29.50), (3, 32.00), (4, 34.50), (5, 39.90)),
    "river:phu-lam": ((2, 1.70), (3, 2.70), (4, 3.70), (5, 5.21)),
    "river:giang-son": ((2, 420.00), (3, 422.00), (4, 424.00)),
    "river:ban-don": ((2, 171.00), (4, 174.00)),
    "river:krong-buk": ((2, 454.00),),
}
