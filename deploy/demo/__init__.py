"""The registry of the demo, as data: what `canh demo` registers before the simulator speaks."""

from __future__ import annotations

from deploy.demo.registry import DemoRegistry, demo_registry

__all__ = ["DemoRegistry", "demo_registry"]
