"""`canh source`: registers sources, shows how fresh they are, runs the MQTT bridge."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec
from cyclopts import App

from deploy.bootstrap import configure_logs, make_publisher
from deploy.commands.terminal import results, settings_here, show, with_store
from deploy.noted import noted
from schemas.errors import UsageError
from schemas.events import Source
from schemas.store.abstract import Store
from streams.sources.mqtt import bridge
from streams.sources.registration import check_source
from streams.sources.registry import ADAPTERS


class _WrittenSource(Source, frozen=True, forbid_unknown_fields=True):
    """A source as a person writes it: an unknown field is a slip of the pen."""


app = App(name="source", help="Sources: registered feeds of sensors, cameras and other systems.")


@app.command(name="list")
def list_sources(*, json: bool = False) -> None:
    """List sources with how fresh they are.

    Parameters
    ----------
    json
        Print JSON.
    """
    rows = [
        (x.source.id, x.source.kind, x.source.format, x.source.lane.value, x.accepted, x.refused, x.last_observed_at)
        for x in with_store(lambda store: store.source_health())
    ]
    show("Sources", ("id", "kind", "format", "lane", "accepted", "refused", "last_observed_at"), rows, as_json=json)


@app.command(name="formats")
def list_formats(*, json: bool = False) -> None:
    """List the wire formats that a source can have.

    Parameters
    ----------
    json
        Print JSON.
    """
    show("Formats", ("format", "what"), [(a.format, a.title) for a in ADAPTERS.values()], as_json=json)


@app.command(name="add")
def add_sources(file: Path, /) -> None:
    """Register (or change) sources from a JSON or YAML file: one source or a list.

    Parameters
    ----------
    file
        Fields as in docs/reference/schema (Source): id, kind, format, lane, cadence_s, units ...
    """
    sources = read_sources(file)

    async def go(store: Store) -> None:
        await store.put_sources(sources)
        for source in sources:
            await store.audit(noted("source.add", source.id, format=source.format, agency=source.agency))

    with_store(go)
    results.print(f"{len(sources)} registered: {', '.join(source.id for source in sources)}")


@app.command
def mqtt(host: str, /, *topics: str, port: int = 1883, client_id: str = "canh", user: str | None = None) -> None:
    """Bridge an MQTT broker: each message reaches Kafka before MQTT is told that it was received.

    The password of `user` is read from the environment variable CANH_MQTT_PASSWORD.

    Parameters
    ----------
    host
        The MQTT broker.
    topics
        Pairs PATTERN=SOURCE, such as sensors/+/air=air-stations.
    port
        Its port.
    client_id
        Name of the persistent session.
    user
        User name at the MQTT broker.
    """
    settings = settings_here()
    configure_logs(settings)
    pairs = dict(_pair(topic) for topic in topics)
    password = settings.mqtt_password.get_secret_value() if settings.mqtt_password else None
    sources = {s.id: s for s in with_store(lambda store: store.sources(), settings)}
    missing = sorted(set(pairs.values()) - sources.keys())
    if missing or not pairs:
        raise UsageError(
            f"Not registered: {', '.join(missing)}. See `canh source list`."
            if missing
            else "Name at least one topic, as PATTERN=SOURCE."
        )
    asyncio.run(
        bridge(
            host,
            port,
            {p: sources[s] for p, s in pairs.items()},
            make_publisher(settings),
            client_id=client_id,
            username=user,
            password=password,
        )
    )


def read_sources(file: Path) -> list[Source]:
    """Read sources from a file; raises UsageError that names file, field and problem."""
    try:
        raw = msgspec.yaml.decode(file.read_bytes())
        items = raw if isinstance(raw, list) else [raw]
        msgspec.convert(items, list[_WrittenSource], strict=False)
        found = msgspec.convert(items, list[Source], strict=False)
        for source in found:
            check_source(source)
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}.") from None
    except (msgspec.DecodeError, msgspec.ValidationError, UsageError) as error:
        raise UsageError(f"{file}: {error}") from None
    return found


def _pair(text: str) -> tuple[str, str]:
    pattern, found, source = text.rpartition("=")
    if not found or not pattern:
        raise UsageError(f"{text!r} is not PATTERN=SOURCE, such as sensors/+/air=air-stations.")
    return pattern, source
