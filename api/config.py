"""What a person who runs the API may choose, as one frozen object that deploy fills; the API reads no environment."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Limits:
    """What one caller may ask of us.

    Rates are in the words of the library `limits` ("10 per 15 minute"). Sizes are bytes: `body_bytes` as sent,
    `inflated_bytes` after gzip, `record_bytes` of one record (below Apache Kafka's default of 1 MiB with its
    headers), `form_bytes` of a login or an order. `inflate_ratio` is checked once a body has grown past 1 MiB.
    """

    body_bytes: int = 5 * MIB
    inflated_bytes: int = 20 * MIB
    inflate_ratio: int = 100  # JSON telemetry shrinks 10 to 30 times; zeros shrink 1,000 times
    items: int = 10_000
    record_bytes: int = 900_000
    form_bytes: int = 64 * 1024
    login_failures: str = "10 per 15 minute"  # for one name from one address
    address_failures: str = "100 per 15 minute"  # for any name from one address
    key_failures: str = "60 per 1 minute"  # for one key from one address
    ingest: str = "6000 per minute"  # requests of one key
    orders: str = "120 per minute"  # of one person
    reads: str = "1200 per minute"  # of one person or key
    streams_each: int = 64  # open feeds of one person or key (a wall of screens is one person)


@dataclass(frozen=True, slots=True)
class FeedConfig:
    """How the live feed behaves; times in seconds.

    `ring` is how many changes are kept ready for all clients: a live client that is further behind is cut.
    `page` is how many changes are read, and sent in one piece, at a time.
    """

    ring: int = 2048
    page: int = 256
    beat_s: float = 5.0
    poll_s: float = 1.0
    send_timeout_s: float = 10.0
    recheck_s: float = 15.0


@dataclass(frozen=True, slots=True)
class ApiConfig:
    """All choices of the API.

    `origins` are browser origins besides our own, such as "https://ioc.example.vn". `cookie_secure` is true behind
    HTTPS. `static_dir` holds the console's built files (None: no console). `password_cost` is argon2id's time cost,
    memory in KiB and lanes (RFC 9106's second choice with one lane). `session_s` is one shift.
    """

    origins: tuple[str, ...] = ()
    cookie_secure: bool = False
    language: Literal["vi", "en"] = "vi"
    static_dir: Path | None = None
    session_s: float = 12 * 3600
    registry_ttl_s: float = 2.0
    password_cost: tuple[int, int, int] = (3, 65_536, 1)
    limits: Limits = field(default_factory=Limits)
    feed: FeedConfig = field(default_factory=FeedConfig)
