"""Checks the addresses that people write into settings: reads text, gives it back, or ValueError with what is wrong."""

from __future__ import annotations

import re

#: A name, an IPv4 address, or an IPv6 address in brackets; then the port.
_BROKER = re.compile(r"(\[[0-9A-Fa-f:.%]+\]|[^\s,:\[\]/]+):(\d{1,5})")
HIGHEST_PORT = 65535


def brokers(text: str) -> str:
    """Check bootstrap servers: host:port, several with commas, an IPv6 address in brackets."""
    for each in text.split(","):
        found = _BROKER.fullmatch(each)
        if found is None:
            raise ValueError(f"{each!r} is not host:port (an IPv6 address needs brackets: [::1]:9092)")
        if not 0 < int(found[2]) <= HIGHEST_PORT:
            raise ValueError(f"{found[2]} is no port: give 1 to {HIGHEST_PORT}")
    return text


def first_broker(bootstrap: str) -> tuple[str, int]:
    """Give host and port of the first of the servers, without an IPv6 address' brackets."""
    host, _, port = bootstrap.split(",", maxsplit=1)[0].rpartition(":")
    return host.strip("[]"), int(port)


def postgres(text: str) -> str:
    """Check an address of PostgreSQL as its own client reads it; what is wrong is told without the text, a secret."""
    from psycopg import ProgrammingError  # noqa: PLC0415 -- `canh tap` and others without a database do not load it
    from psycopg.conninfo import conninfo_to_dict  # noqa: PLC0415

    try:
        conninfo_to_dict(text)
    except ProgrammingError:
        raise ValueError("is no address of PostgreSQL") from None
    return text
