from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from deploy.cli import main
from deploy.topics import bounds, broker_version
from schemas.errors import BackpressureError
from tests.servers import BrokerServer, DatabaseServer

pytestmark = pytest.mark.integration

Run = Callable[..., tuple[int, str, str]]
SQUARE = {
    "type": "FeatureCollection",
    "features": [
        {
            "type": "Feature",
            "properties": {"ma": "24133", "ten": "Phường Thử"},
            "geometry": {
                "type": "Polygon",
                "coordinates": [[[108, 12], [108.1, 12], [108.1, 12.1], [108, 12.1], [108, 12]]],
            },
        }
    ],
}


def whoami() -> str:
    """Give the name of the machine's user, as the system knows it."""
    return subprocess.run(["id", "-un"], capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture
def run(
    database: DatabaseServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Run:
    """Give a function: run one command on a migrated database; exit code, output, remarks."""
    monkeypatch.setenv("CANH_DATABASE_URL", database.create_database())
    monkeypatch.setenv("CANH_HOME", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)

    def command(*tokens: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(tokens)
        out, err = capsys.readouterr()
        return int(str(ended.value.code)), out, err

    command("migrate")
    return command


def test_migrate_says_what_it_did(run: Run) -> None:
    """A second migration has nothing to do, and says so."""
    code, out, _ = run("migrate")
    assert (code, "Nothing to apply" in out) == (0, True)


def test_migrate_gives_the_roles_their_rights(run: Run) -> None:
    """The three roles are made once and may be given their rights again; without the option a hint is enough."""
    for _ in range(2):
        code, out, _ = run("migrate", "--roles")
        assert (code, "canh_worker, canh_api and canh_read" in out) == (0, True)


def test_zones_are_imported_by_the_names_of_their_fields(run: Run, tmp_path: Path) -> None:
    """GeoJSON with field names of its own comes in, and is listed as JSON for machines."""
    file = tmp_path / "zones.geojson"
    file.write_text(json.dumps(SQUARE))
    code, _, err = run("zones", "import", str(file), "--kind", "commune", "--valid-from", "2025-07-01",
                       "--code-field", "ma", "--name-field", "ten")  # fmt: skip
    assert code == 0, err
    _, out, _ = run("zones", "list", "--kind", "commune", "--json")
    assert [(zone["id"], zone["name"], zone["version"]) for zone in json.loads(out)] == [
        ("commune:24133", "Phường Thử", 1)
    ]


def test_a_source_is_registered_from_a_file_and_listed(run: Run, tmp_path: Path) -> None:
    """YAML or JSON; an unknown format is refused with the known ones."""
    file = tmp_path / "source.yaml"
    file.write_text("{id: river, kind: sensor, format: native, cadence_s: 600}")
    assert run("source", "add", str(file))[0] == 0
    _, out, _ = run("source", "list", "--json")
    assert [source["id"] for source in json.loads(out)] == ["river"]
    (line,) = json.loads(run("audit", "list", "--json")[1])
    assert (line["action"], line["subject"], line["actor"]) == ("source.add", "river", f"cli:{whoami()}")

    file.write_text("{id: river, kind: sensor, format: carrier-pigeon}")
    code, _, err = run("source", "add", str(file))
    assert code == 2
    assert "carrier-pigeon" in err
    assert "native" in err


def test_accounts_and_keys_are_made_with_secrets_that_are_shown_once(run: Run) -> None:
    """The password is printed when it is made; the list has none."""
    code, out, _ = run("user", "add", "an", "--role", "operator")
    password = out.split()[-1]
    assert (code, len(password)) == (0, 19)
    _, listed, _ = run("user", "list", "--json")
    assert json.loads(listed)[0]["name"] == "an"
    assert password not in listed
    assert run("user", "key", "gauges", "--source", "*")[1].startswith("ck_")
    (key,) = json.loads(run("user", "keys", "--json")[1])
    assert (key["title"], key["sources"], key["usable"]) == ("gauges", "*", True)
    assert run("user", "revoke", key["id"])[0] == 0
    assert not json.loads(run("user", "keys", "--json")[1])[0]["usable"]


def test_an_account_is_changed_without_being_made_anew(run: Run, tmp_path: Path) -> None:
    """Another password, other rights, out and in again: each by a command of its own, and each in the log."""
    file = tmp_path / "zones.geojson"
    file.write_text(json.dumps(SQUARE))
    run("zones", "import", str(file), "--kind", "commune", "--valid-from", "2025-07-01", "--code-field", "ma",
        "--name-field", "ten")  # fmt: skip
    first = run("user", "add", "an", "--role", "operator", "--commune", "24133")[1].split()[-1]
    code, _, err = run("user", "add", "an", "--role", "operator")
    assert (code, "canh user password an" in err) == (2, True)
    second = run("user", "password", "an")[1].split()[-1]
    assert first != second
    assert run("user", "change", "an", "--role", "viewer")[0] == 0
    assert run("user", "disable", "an")[0] == 0
    (account,) = json.loads(run("user", "list", "--json")[1])
    assert (account["role"], account["communes"], account["enabled"]) == ("viewer", "24133", False)
    assert run("user", "enable", "an")[0] == 0
    log = json.loads(run("audit", "list", "--json")[1])
    assert [line["action"] for line in reversed(log)] == [
        "zones.import", "account.add", "account.password", "account.change", "account.disable", "account.enable",
    ]  # fmt: skip


def test_a_broken_audit_log_is_found(run: Run) -> None:
    """`canh audit verify` names the first line that does not fit, and `canh doctor` has a finding of it."""
    for name in ("an", "binh", "chi"):
        run("user", "add", name, "--role", "viewer")
    assert run("audit", "verify")[0] == 0
    dsn = os.environ["CANH_DATABASE_URL"]
    with psycopg.connect(dsn) as owner:
        owner.execute("ALTER TABLE audit DISABLE TRIGGER ALL")
        owner.execute("UPDATE audit SET subject = 'somebody else' WHERE seq = 2")
    code, _, err = run("audit", "verify")
    assert (code, "Line 2 " in err) == (1, True)
    findings = {each["what"]: each for each in json.loads(run("doctor", "--json")[1])}
    assert findings["audit log"]["found"].startswith("line 2 ")
    assert findings["audit log"]["fix"]


@pytest.mark.parametrize(
    ("tokens", "code", "says"),
    [
        (("bogus",), 2, "bogus"),
        (("worker", "--only", "nope"), 2, "normalize"),
        (("worker", "--lane", "fast"), 2, "bulk or priority"),
        (("tap", "nope"), 2, "canh.raw.bulk"),
        (("user", "add", "an", "--role", "king"), 2, "operator"),
        (("user", "add", "an", "--role", "viewer", "--agency", "nope"), 2, "no agency"),
        (("user", "password", "nobody"), 2, "canh user list"),
        (("user", "revoke", "ck_x"), 2, "canh user keys"),
        (("user", "key", "wall", "--scope", "agancy:fire"), 2, "agency:ID"),
        (("zones", "import", "no-such-file", "--kind", "x", "--valid-from", "2025-07-01"), 2, "No such file"),
        (("demo", "--scenario", "nope"), 2, "song-ba-flood"),
        (("topics",), 2, "CANH_KAFKA"),
        (("dlq", "show", "nope"), 2, "canh dlq list"),
    ],
)
def test_a_mistake_is_one_clear_sentence(run: Run, tokens: tuple[str, ...], code: int, says: str) -> None:
    """Exit code 2, the next step in the message, never a traceback."""
    got, _, err = run(*tokens)
    assert got == code
    assert says in err
    assert "Traceback" not in err


def test_a_database_that_is_away_is_told_without_a_traceback(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit code 1: not the user's mistake."""
    monkeypatch.setenv("CANH_DATABASE_URL", "postgresql://canh:x@127.0.0.1:9/canh")
    code, _, err = run("source", "list")
    assert code == 1
    assert "Traceback" not in err


def test_an_address_that_is_none_is_told_before_anything_is_tried(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit code 2, and not a word of what may be a password."""
    monkeypatch.setenv("CANH_DATABASE_URL", "hunter2")
    code, _, err = run("migrate")
    assert (code, "CANH_DATABASE_URL" in err, "hunter2" in err) == (2, True, False)


def test_a_broker_that_is_away_is_told_without_a_traceback(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit code 1: `canh tap` waits for records, not for a broker; `canh doctor` has a finding."""
    monkeypatch.setenv("CANH_KAFKA", "127.0.0.1:9")
    code, _, err = run("tap", "raw.bulk")
    assert (code, "No broker answers at 127.0.0.1:9" in err) == (1, True)
    with pytest.raises(BackpressureError, match="No broker answers"):
        bounds("127.0.0.1:9")


def test_a_file_of_other_json_is_no_list_of_zones(run: Run, tmp_path: Path) -> None:
    """Neither a list nor an empty kind makes zones."""
    file = tmp_path / "list.json"
    file.write_text("[1, 2]")
    code, _, err = run("zones", "import", str(file), "--kind", "commune", "--valid-from", "2025-07-01")
    assert (code, "no GeoJSON FeatureCollection" in err) == (2, True)
    file.write_text(json.dumps(SQUARE))
    named = ("--valid-from", "2025-07-01", "--code-field", "ma", "--name-field", "ten")
    code, _, err = run("zones", "import", str(file), "--kind", "", *named)
    assert (code, "is no word" in err) == (2, True)


def test_a_bad_setting_names_variable_problem_and_example(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit code 2 before anything is started."""
    monkeypatch.setenv("CANH_API_PORT", "eighty")
    code, _, err = run("source", "list")
    assert code == 2
    assert "CANH_API_PORT" in err
    assert "8420" in err


def test_doctor_tells_what_the_broker_is(run: Run, broker: BrokerServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its version, as far as Kafka's protocol tells one."""
    version = broker_version(broker.bootstrap)
    assert tuple(map(int, version.split("."))) >= (2, 0)
    monkeypatch.setenv("CANH_KAFKA", broker.bootstrap)
    _, out, _ = run("doctor", "--json")
    found = {entry["what"]: entry["found"] for entry in json.loads(out)}
    assert found["broker version"] == f"speaks the protocol of Kafka {version}"
