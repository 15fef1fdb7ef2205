from __future__ import annotations

import gzip
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.e2e.console.conftest import MockServer
from tests.e2e.console.desk import Desk
from tests.e2e.console.mock_api import DIST

pytestmark = pytest.mark.e2e

#: Nothing that the desk loads may be larger than this together, compressed (bytes).
BUDGET = 900_000
PACKED = {".woff2"}


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("size", [(1440, 900), (1920, 1080)])
def test_screens_fit_and_are_saved(
    server: MockServer, open_desk: Callable[..., Desk], tmp_path: Path, theme: str, size: tuple[int, int]
) -> None:
    """In both themes and sizes nothing runs out of its pane; pictures are saved for people to look at."""
    desk = open_desk(server.base)
    desk.page.set_viewport_size({"width": size[0], "height": size[1]})
    desk.page.add_init_script(f"localStorage.setItem('canh.theme', '{theme}')")
    desk.login("truc", "canh-gac-dem")
    desk.wait_rows()
    desk.wait_map()
    desk.page.keyboard.press("j")
    expect(desk.page.locator(".uplot canvas")).to_be_visible()
    assert desk.page.evaluate("document.documentElement.dataset.theme") == theme
    wide = desk.page.evaluate(
        """() => ['.top-bar', '.list-pane', '.detail-body', '.filter-bar']
            .filter((name) => { const e = document.querySelector(name); return e.scrollWidth > e.clientWidth; })"""
    )
    assert wide == []
    picture = tmp_path / f"desk-{theme}-{size[0]}.png"
    desk.page.screenshot(path=picture)
    assert picture.stat().st_size > 50_000


#: How many symbols of the map lie under something that stands on it.
COVERED = """() => {
    const map = document.querySelector('canh-map').view.map;
    const box = map.getCanvas().getBoundingClientRect();
    const covers = [...document.querySelectorAll('.legend, .map-controls')].map((one) => one.getBoundingClientRect());
    const under = (x, y) => covers.some((c) => x > c.left && x < c.right && y > c.top && y < c.bottom);
    return map.queryRenderedFeatures({ layers: ['incidents', 'clusters'] })
        .map(({ geometry }) => map.project(geometry.coordinates))
        .filter(({ x, y }) => under(box.x + x, box.y + y)).length;
}"""
#: Where the rightmost button of the top bar ends, px.
LAST_BUTTON = """() => Math.max(
    ...[...document.querySelectorAll('.top-bar button')].map((one) => one.getBoundingClientRect().right)
)"""


def test_small_screen_covers_no_symbol_and_cuts_nothing_off(server: MockServer, open_desk: Callable[..., Desk]) -> None:
    """On a small laptop the legend begins closed, no incident lies under it or the controls, no switch is cut off."""
    desk = open_desk(server.base)
    desk.page.set_viewport_size({"width": 1366, "height": 768})
    desk.login("truc", "canh-gac-dem")
    desk.wait_rows()
    desk.wait_map()
    expect(desk.page.locator(".legend-head")).to_have_attribute("aria-expanded", "false")
    assert desk.page.evaluate(COVERED) == 0
    desk.page.set_viewport_size({"width": 900, "height": 700})
    assert desk.page.evaluate(LAST_BUTTON) <= 900


def test_first_load_is_small_and_stays_at_home(server: MockServer, open_desk: Callable[..., Desk]) -> None:
    """Everything that the desk loads is under 900 kB compressed and comes from its own server."""
    desk = open_desk(server.base)
    loaded: set[str] = set()
    desk.page.on("request", lambda request: loaded.add(request.url))
    desk.login("truc", "canh-gac-dem")
    desk.wait_rows()
    desk.wait_map()
    files = [DIST / re.sub(r"^.*/console/", "", url) for url in loaded if "/console/" in url]
    assert any("map-view" in file.name for file in files)
    sizes = [
        file.stat().st_size if file.suffix in PACKED else len(gzip.compress(file.read_bytes(), 6)) for file in files
    ]
    assert sum(sizes) < BUDGET
    assert desk.outside == []


def test_built_page_has_no_inline_script_and_no_foreign_address() -> None:
    """The built page works under a policy without inline script, and its own files name no other host to load from."""
    page = (DIST / "index.html").read_text()
    assert not re.search(r"<script(?![^>]*\bsrc=)", page)
    assert not re.search(r"\bon\w+=|style=", page)
    assert not re.search(r"(?:src|href)=\"(?!/console/)", page)
    for sheet in DIST.glob("assets/*.css"):
        assert not re.search(r"url\(\s*['\"]?(?:https?:)?//", sheet.read_text())
