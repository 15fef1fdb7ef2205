from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.e2e.console.conftest import MockServer
from tests.e2e.console.desk import Desk

pytestmark = pytest.mark.e2e

#: North of the territory, away from all other incidents.
ALONE = {"lon": 108.4, "lat": 14.2, "title": {"vi": "Riêng một chỗ", "en": "Alone"}, "severity": 4}


def test_choice_in_the_list_moves_the_map(desk: Desk) -> None:
    """Choosing a row brings the map there and rings the symbol."""
    desk.wait_map()
    desk.page.locator(".row").nth(3).click()
    desk.page.wait_for_function(
        """() => {
            const map = document.querySelector('canh-map').view.map;
            const [symbol] = map.queryRenderedFeatures({ layers: ['selected'] });
            if (!symbol || map.isMoving()) return false;
            return map.getBounds().contains(symbol.geometry.coordinates);
        }"""
    )


def test_choice_on_the_map_opens_the_details(server: MockServer, desk: Desk) -> None:
    """Clicking a symbol on the map chooses the incident in the list and opens its details."""
    desk.wait_map()
    server.order("open", **ALONE)
    expect(desk.row("Riêng một chỗ")).to_be_visible()
    x, y = desk.symbol_on_map(108.4, 14.2)
    desk.page.mouse.move(x, y)
    expect(desk.page.locator(".map-card")).to_contain_text("Riêng một chỗ")
    desk.page.mouse.click(x, y)
    expect(desk.page.locator(".detail h2")).to_have_text("Riêng một chỗ")
    expect(desk.row("Riêng một chỗ")).to_have_class(re.compile("selected"))


def test_clusters_show_count_and_worst_severity(desk: Desk) -> None:
    """A cluster carries how many it holds and the worst of their severities."""
    desk.wait_map()
    clusters = desk.page.evaluate(
        """() => document.querySelector('canh-map').view.map.queryRenderedFeatures({ layers: ['clusters'] })
            .map(({ properties }) => [properties.point_count, properties.worst])"""
    )
    assert clusters
    assert all(count > 1 and worst in {1, 2, 3, 4, 5} for count, worst in clusters)
    assert max(worst for _, worst in clusters) == 5


def test_both_archipelagos_are_on_every_map(desk: Desk) -> None:
    """The inset names Hoàng Sa and Trường Sa at any zoom; the big map draws both when it shows the country."""
    desk.wait_map()
    inset = desk.page.locator(".inset")
    expect(inset).to_contain_text("Quần đảo Hoàng Sa")
    expect(inset).to_contain_text("Quần đảo Trường Sa")
    desk.page.get_by_role("button", name="Cả nước").click()
    desk.page.wait_for_function(
        """() => document.querySelector('canh-map').view.map
            .queryRenderedFeatures({ layers: ['archipelagos'] }).length >= 2"""
    )
    names = desk.page.evaluate(
        """() => document.querySelector('canh-map').view.map
            .queryRenderedFeatures({ layers: ['archipelagos'] }).map(({ properties }) => properties.name)"""
    )
    assert set(names) == {"Quần đảo Hoàng Sa (Việt Nam)", "Quần đảo Trường Sa (Việt Nam)"}


def test_approximate_boundaries_are_labelled(desk: Desk) -> None:
    """Boundaries that are not official are called approximate on the map."""
    expect(desk.page.locator(".attribution")).to_contain_text("ranh giới gần đúng")


def test_without_webgl_a_drawing_stands_in(server: MockServer, open_desk: Callable[..., Desk]) -> None:
    """A machine without WebGL gets a plain drawing that says so; list, details and choice on it work."""
    desk = open_desk(server.base)
    desk.page.add_init_script(
        """const real = HTMLCanvasElement.prototype.getContext;
        HTMLCanvasElement.prototype.getContext = function (kind, ...more) {
            return kind.startsWith('webgl') ? null : real.call(this, kind, ...more);
        };"""
    )
    desk.login("truc", "canh-gac-dem")
    desk.wait_rows()
    expect(desk.page.locator(".map-note")).to_contain_text("WebGL")
    expect(desk.page.locator(".fallback .severity-mark")).to_have_count(42)
    desk.page.locator(".row").first.click()
    expect(desk.page.locator(".fallback .chosen")).to_have_count(1)
    expect(desk.page.locator(".inset")).to_contain_text("Quần đảo Trường Sa")
