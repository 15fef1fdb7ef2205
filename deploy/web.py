"""Wires the API: the only place that builds it from settings."""

from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI

from api.app import create_app
from api.config import ApiConfig
from api.thresholds import of_rules
from deploy.bootstrap import make_publisher, make_store, now
from deploy.door import Door
from deploy.settings import Settings
from schemas.bus.kafka import KafkaPublisher
from schemas.store.timescale import TimescaleStore
from streams.rules.load import library

#: The console's built files.
CONSOLE = Path(__file__).parent.parent / "api" / "console" / "dist"


def make_api(settings: Settings) -> tuple[TimescaleStore, KafkaPublisher, FastAPI]:
    """Give the API with its store and publisher, neither open nor started yet."""
    store, publisher = make_store(settings, "api", size=8), make_publisher(settings)
    app = create_app(
        store=store,
        publisher=publisher,
        check=Door(lateness_s=settings.lateness_s, future_s=settings.future_s),
        clock=now,
        thresholds=of_rules(library()),
        config=ApiConfig(
            origins=settings.origins,
            cookie_secure=settings.cookie_secure,
            language=settings.language,
            static_dir=CONSOLE if (CONSOLE / "index.html").exists() else None,
        ),
    )
    return store, publisher, app
