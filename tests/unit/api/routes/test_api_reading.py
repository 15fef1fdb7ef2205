"""The list, one incident, devices and charts, registry, zones, health, metrics, problems, OpenAPI."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any

import httpx
import pytest

from api.routes.registry import state_of
from api.security.keys import create_key
from schemas.events import Mark, Observation, ObservationBatch, Text
from schemas.store.abstract import Commit, Health
from tests.doubles import BEGIN, make_incident
from tests.unit.api.conftest import open_incident


async def test_the_list_has_what_a_page_and_a_stream_need(world: Any) -> None:
    """Newest update first, with the feed id to go on from and the time of the answer."""
    viewer = await world.person("viewer")
    body = (await viewer.get("/v1/incidents")).json()
    assert [one["id"] for one in body["items"]] == ["i-police", "i-fire"]
    assert body["items"][1]["title"] == {"vi": "Lũ trên sông Đà Rằng", "en": "Flood on the Da Rang"}
    assert body["feed_id"] == await world.store.feed_head()
    assert body["as_of"].endswith("Z")
    assert body["next_cursor"] is None


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("bbox=109,13,110,14", ["i-fire"]),
        ("commune=24133&commune=1", ["i-police"]),
        ("kind=public.order", ["i-police"]),
        ("severity_min=4", ["i-police"]),
        ("status=new&status=closed", ["i-police", "i-fire"]),
        ("status=closed", []),
        ("agency=fire", ["i-fire"]),
        ("since=2025-11-19T14:00:30%2B07:00", ["i-police"]),
        ("until=2025-11-19T07:00:00Z", []),
        ("q=da rang", ["i-fire"]),
        ("q=GÂY RỐI", ["i-police"]),
        ("q=Tuy Hoa", ["i-fire"]),
    ],
)
async def test_filters(world: Any, query: str, found: list[str]) -> None:
    """Each filter narrows the list; text is compared without accents, also with the place's name."""
    viewer = await world.person("viewer")
    assert [one["id"] for one in (await viewer.get(f"/v1/incidents?{query}")).json()["items"]] == found


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("bbox=1,2,3", "bbox"),
        ("bbox=110,13,109,14", "bbox"),
        ("bbox=nan,13,109,14", "bbox"),
        ("severity_min=9", "severity_min"),
        ("severity_mim=4", "severity_mim"),
        ("status=open", "status.0"),
        ("since=2025-11-19T07:00:00", "since"),
        ("since=0001-01-01T00:00:00%2B14:00", "since"),
        ("until=9999-12-31T23:59:59-14:00", "until"),
        ("limit=100000", "limit"),
        ("cursor=rubbish", "cursor"),
        ("format=xml", "format"),
    ],
)
async def test_a_bad_parameter_is_named(world: Any, query: str, field: str) -> None:
    """422 says which parameter and what to write; one that is misspelt is refused, never ignored."""
    viewer = await world.person("viewer")
    answer = await viewer.get(f"/v1/incidents?{query}")
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["field"] == field
    assert answer.json()["fix"]


async def test_a_bad_parameter_is_told_in_our_words(world: Any) -> None:
    """The field once, then what to write; nothing of the library that found it."""
    viewer = await world.person("viewer")
    body = (await viewer.get("/v1/incidents?bbox=110,13,109,14")).json()
    assert body["detail"] == "bbox: west <= east within [-180, 180], south <= north within [-90, 90]"
    assert body["fix"] == "west <= east within [-180, 180], south <= north within [-90, 90]"
    assert body["errors"] == [{"field": "bbox", "message": body["fix"]}]


async def test_pages_join_without_holes_or_repeats(world: Any) -> None:
    """Walking the cursors gives every incident once, in order."""
    for i in range(7):
        await open_incident(world.store, make_incident(f"more-{i}", updated_at=BEGIN + timedelta(seconds=i // 2)))
    viewer = await world.person("viewer")
    seen: list[str] = []
    cursor = ""
    for _ in range(10):
        body = (await viewer.get(f"/v1/incidents?limit=2{cursor}")).json()
        seen += [one["id"] for one in body["items"]]
        if body["next_cursor"] is None:
            break
        cursor = f"&cursor={body['next_cursor']}"
    whole = (await viewer.get("/v1/incidents?limit=500")).json()["items"]
    assert seen == [one["id"] for one in whole]
    assert len(set(seen)) == 9


async def test_geojson_is_a_feature_collection_and_an_audited_export(world: Any) -> None:
    """Points are lon, lat; an incident without a place has no geometry; who took it is in the log."""
    await open_incident(world.store, make_incident("nowhere", lon=None, lat=None))
    viewer = await world.person("viewer")
    answer = await viewer.get("/v1/incidents?format=geojson")
    assert answer.headers["content-type"] == "application/geo+json"
    body = answer.json()
    assert body["type"] == "FeatureCollection"
    assert body["feed_id"] == await world.store.feed_head()
    by_id = {feature["id"]: feature for feature in body["features"]}
    assert by_id["i-fire"]["geometry"] == {"type": "Point", "coordinates": [109.3, 13.1]}
    assert by_id["i-fire"]["properties"]["severity"] == 3
    assert by_id["nowhere"]["geometry"] is None
    newest = (await world.store.audit_log(1))[0][1]
    assert (newest.action, newest.detail["count"]) == ("export", "3")


async def _observe(world: Any, *minutes_ago: float) -> None:
    now = world.clock()
    rows = [
        Observation(
            id="",
            source="river",
            device="gauge",
            metric="water_level",
            observed_at=now - timedelta(minutes=minutes),
            received_at=now,
            value=10 - minutes / 100,
            lon=109.3,
            lat=13.1,
            marks=(Mark.SIMULATED,),
        )
        for minutes in minutes_ago
    ]
    await world.store.commit(Commit(observations=ObservationBatch.of(rows)))


async def test_a_chart_shows_points_and_gaps(world: Any) -> None:
    """Points in milliseconds with mean, minimum, maximum; a silence is a gap, not a line."""
    await _observe(world, 60, 50, 20, 10, 0.5)
    viewer = await world.person("viewer")
    start = (world.clock() - timedelta(minutes=61)).isoformat()
    answer = await viewer.get("/v1/devices/gauge/observations", params={"metric": "water_level", "from": start})
    body = answer.json()
    assert (body["device"], body["metric"], body["unit"], body["step_s"]) == ("gauge", "water_level", "m", 0)
    assert [point[1] for point in body["points"]] == [9.4, 9.5, 9.8, 9.9, 9.995]
    assert len(body["gaps"]) == 1
    assert body["gaps"][0][1] - body["gaps"][0][0] == 30 * 60_000
    rolled = (await viewer.get("/v1/devices/gauge/observations?step=1h")).json()
    assert rolled["step_s"] == 3600
    assert all(point[2] <= point[1] <= point[3] for point in rolled["points"])
    assert sum(point[4] for point in rolled["points"]) == 5


@pytest.mark.parametrize(
    ("device", "query", "status"),
    [
        ("no-such", "", 404),
        ("cam-1", "", 422),
        ("gauge", "?from=2025-01-02T00:00:00Z&to=2025-01-01T00:00:00Z", 422),
        ("gauge", "?from=1990-01-01T00:00:00Z&step=1m", 422),
        ("gauge", "?step=2m", 422),
        ("gauge", "?to=0001-01-01T00:00:00Z", 422),
        ("gauge", "?from=0001-01-01T00:00:00%2B14:00", 422),
        ("gauge", "?from=2025-01-01T00:00:00Z&to=9999-12-31T23:59:59-14:00", 422),
    ],
)
async def test_a_chart_that_cannot_be_drawn_says_why(world: Any, device: str, query: str, status: int) -> None:
    """Unknown devices, swapped times and charts of too many points are refused."""
    viewer = await world.person("viewer")
    answer = await viewer.get(f"/v1/devices/{device}/observations{query}")
    assert answer.status_code == status
    assert answer.json()["detail"]


async def test_sources_tell_how_fresh_they_are(world: Any) -> None:
    """Never, fresh, late, silent follow the cadence and the older of what was observed and received."""
    viewer = await world.person("viewer")

    async def state() -> str:
        items = (await viewer.get("/v1/sources")).json()["items"]
        return str(next(one["state"] for one in items if one["source"]["id"] == "river"))

    assert await state() == "never"
    await _observe(world, 0)
    assert await state() == "fresh"
    (health,) = [one for one in await world.store.source_health() if one.source.id == "river"]
    seen = health.last_received_at
    states = [state_of(health, seen + timedelta(minutes=minutes)) for minutes in (19, 21, 49, 51)]
    assert states == ["fresh", "late", "late", "silent"]


async def test_reference_lists(world: Any) -> None:
    """Agencies, metrics and kinds have what the console shows."""
    viewer = await world.person("viewer", agency="fire")
    agencies = (await viewer.get("/v1/agencies")).json()["items"]
    assert {agency["id"] for agency in agencies} == {"fire", "police"}
    kinds = {kind["id"]: kind for kind in (await viewer.get("/v1/kinds")).json()["items"]}
    assert kinds["flood.river"]["vi"] == "Lũ sông"
    assert set(kinds["flood.river"]) == {"id", "vi", "en", "icon"}
    metrics = {metric["id"]: metric["unit"] for metric in (await viewer.get("/v1/metrics")).json()["items"]}
    assert metrics["water_level"] == "m"


async def test_zones_are_geojson_with_an_etag(world: Any) -> None:
    """Zones valid today come with their names; asked again with the tag, nothing is sent."""
    viewer = await world.person("viewer")
    answer = await viewer.get("/v1/zones?kind=commune&simplify=0.001")
    (feature,) = answer.json()["features"]
    assert feature["properties"] == {
        "id": "commune:22015",
        "kind": "commune",
        "code": "22015",
        "name": "Tuy Hoà",
        "approximate": False,
    }
    assert feature["geometry"]["type"] == "Polygon"
    again = await viewer.get("/v1/zones?kind=commune&simplify=0.001", headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert (await viewer.get("/v1/zones?simplify=nan")).status_code == 422


@pytest.mark.parametrize(
    ("kind", "status"), [("a%0ab", 422), ("a%0d%0aX: y", 422), ("", 422), ("ph%C6%B0%E1%BB%9Dng", 200)]
)
async def test_a_kind_of_zone_is_a_word(world: Any, kind: str, status: int) -> None:
    """Nothing of it gets into a header, so letters with accents are as good as others; what is no word is refused."""
    viewer = await world.person("viewer")
    answer = await viewer.get(f"/v1/zones?kind={kind}")
    assert answer.status_code == status
    assert answer.headers.get("ETag", "").isascii()
    other = await viewer.get("/v1/zones?kind=ph%C6%B0ong")
    assert other.headers["ETag"] != answer.headers.get("ETag")


async def test_health_is_open_and_tells_what_is_away(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Alive always; ready only with database, broker and feed."""
    nobody = await world.client()
    assert (await nobody.get("/health/live")).status_code == 200
    assert (await nobody.get("/health/ready")).status_code == 200
    world.publisher.away = True

    async def sick() -> Health:
        return Health(ready=False, edition="", version="", migrations=0, time_zone="", detail="secret host")

    monkeypatch.setattr(world.store, "health", sick)
    answer = await nobody.get("/health/ready")
    assert answer.status_code == 503
    assert answer.json()["reasons"] == ["database: not ready", "broker: no answer"]


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "10.0.0.1"])
async def test_metrics_are_for_keys_wherever_they_come_from(world: Any, address: str) -> None:
    """Loopback opens nothing: a plain proxy on the same machine brings everybody from there."""
    far = httpx.ASGITransport(world.app, client=(address, 5))
    async with httpx.AsyncClient(transport=far, base_url="http://canh.test") as anybody:
        await anybody.get("/health/live")
        assert (await anybody.get("/metrics")).status_code == 401
        for scope, status in (("read", 403), ("metrics", 200)):
            key, text = create_key("scraper", [scope], [], now=world.clock())
            await world.store.put_api_key(key)
            answer = await anybody.get("/metrics", headers={"Authorization": f"Bearer {text}"})
            assert answer.status_code == status
        assert 'route="/health/live"' in answer.text
        assert "canh_feed_clients 0.0" in answer.text


async def test_unknown_routes_methods_and_failures_are_problems(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """404, 405 and 500 have the same form; a 500 shows nothing of its cause and has the security headers."""
    viewer = await world.person("viewer")
    for method, path, status in (("GET", "/v1/nothing", 404), ("POST", "/v1/incidents", 405)):
        answer = await viewer.request(method, path)
        assert answer.status_code == status
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["status"] == status

    async def broken(*_: object) -> None:
        raise ZeroDivisionError("secret cause")

    monkeypatch.setattr(world.store, "incidents", broken)
    answer = await viewer.get("/v1/incidents")
    assert answer.status_code == 500
    assert answer.json()["type"] == "urn:canh:problem:internal"
    assert "secret" not in answer.text
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]


async def test_a_nul_in_the_url_is_a_bad_request(world: Any) -> None:
    """PostgreSQL has no place for U+0000: it is refused at the door."""
    viewer = await world.person("viewer")
    assert (await viewer.get("/v1/incidents?q=a%00b")).status_code == 400
    assert (await viewer.get("/v1/incidents/a%00b")).status_code == 400


@pytest.mark.parametrize(
    ("accept", "title"), [("", "Chưa đăng nhập"), ("en-GB,vi", "Not logged in"), ("fr", "Chưa đăng nhập")]
)
async def test_problems_speak_the_reader_s_language(world: Any, accept: str, title: str) -> None:
    """Vietnamese unless English is asked for."""
    answer = await (await world.client()).get("/v1/me", headers={"Accept-Language": accept})
    assert answer.json()["title"] == title


async def test_every_answer_has_the_security_headers(world: Any) -> None:
    """No inline script, no frames, no sniffing, no cache."""
    answer = await (await world.client()).get("/health/live")
    policy = answer.headers["content-security-policy"]
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"


async def test_the_description_is_complete(world: Any) -> None:
    """OpenAPI names every route with its answers, and every reference in it leads somewhere."""
    whole = world.app.openapi()
    text = json.dumps(whole)
    wanted = set(re.findall(r'"#/components/schemas/([^"]+)"', text))
    assert wanted <= set(whole["components"]["schemas"])
    assert {"Incident", "IncidentDetail", "ConflictBody", "IngestResult", "ProblemBody", "OrderBody"} <= wanted
    assert "post" in whole["paths"]["/v1/incidents/{incident_id}/ack"]
    assert whole["paths"]["/v1/incidents"]["get"]["security"]
    assert "security" not in whole["paths"]["/v1/session"]["post"]
    viewer = await world.person("viewer")
    assert (await viewer.get("/v1/openapi.json")).json() == json.loads(text)


async def test_stored_text_is_given_back_as_it_is(world: Any) -> None:
    """Markup in a title is data: JSON, nosniff, never HTML."""
    nasty = "<script>alert(1)</script>"
    await open_incident(world.store, make_incident("xss", title=Text(vi=nasty, en=nasty)))
    viewer = await world.person("viewer")
    answer = await viewer.get("/v1/incidents/xss")
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["incident"]["title"]["vi"] == nasty
