from __future__ import annotations

import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from deploy.settings import Settings, env_example, nearest_variable, unknown_variables
from schemas.errors import SettingsError


@pytest.fixture(autouse=True)
def _empty(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Begin in a directory without `.env` and with no variable of ours."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("CANH_")]:
        monkeypatch.delenv(name)


def test_everything_has_a_default() -> None:
    """Nothing must be set to begin: no server named means the embedded ones, and only this machine is served."""
    settings = Settings.load()
    assert settings.kafka is None
    assert settings.database_url is None
    assert settings.api_host == "127.0.0.1"


def test_the_environment_is_read_with_its_prefix(monkeypatch: pytest.MonkeyPatch) -> None:
    """CANH_<NAME> counts, <NAME> alone does not."""
    monkeypatch.setenv("CANH_KAFKA", "kafka-1:9092,kafka-2:9092")
    monkeypatch.setenv("API_PORT", "1")
    settings = Settings.load()
    assert settings.kafka == "kafka-1:9092,kafka-2:9092"
    assert settings.api_port != 1


def test_a_file_is_read_and_the_environment_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    """`.env` in the working directory is for people, the environment for supervisors; foreign lines do not disturb."""
    Path(".env").write_text("CANH_API_PORT=1111\nCANH_LANGUAGE=en\nPOSTGRES_PASSWORD=x\n")
    monkeypatch.setenv("CANH_API_PORT", "2222")
    settings = Settings.load()
    assert (settings.api_port, settings.language) == (2222, "en")


@pytest.mark.parametrize(
    ("variable", "value", "example"),
    [
        ("CANH_API_PORT", "70000", "CANH_API_PORT=8420"),
        ("CANH_API_PORT", "eighty", "CANH_API_PORT=8420"),
        ("CANH_KAFKA", "kafka", "CANH_KAFKA=127.0.0.1:9092"),
        ("CANH_KAFKA", "kafka://a:9092", "CANH_KAFKA=127.0.0.1:9092"),
        ("CANH_KAFKA", "::1:9092", "CANH_KAFKA=127.0.0.1:9092"),
        ("CANH_KAFKA", "kafka:99999", "CANH_KAFKA=127.0.0.1:9092"),
        ("CANH_ORIGINS", "foo", 'CANH_ORIGINS=["https://ioc.example.vn"]'),
        ("CANH_METRICS_PORT", "65535", "CANH_METRICS_PORT=0"),
        ("CANH_LANGUAGE", "fr", "CANH_LANGUAGE=vi"),
        ("CANH_TRUSTED_PROXIES", "proxy.example.vn", "CANH_TRUSTED_PROXIES=127.0.0.1"),
        ("CANH_POISON_RATIO", "0", "CANH_POISON_RATIO=0.5"),
        ("CANH_LOG_LEVEL", "loud", "CANH_LOG_LEVEL=info"),
    ],
)
def test_a_wrong_value_names_variable_problem_and_example(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, example: str
) -> None:
    """The message is enough to mend it: which variable, what was given, what it may look like."""
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingsError) as caught:
        Settings.load()
    message = str(caught.value)
    assert message.startswith(f"{variable}: ")
    assert f"given: {value!r}" in message
    assert message.endswith(f"Example: {example}")
    assert "^" not in message, "a regular expression is no help"


@pytest.mark.parametrize("servers", ["[::1]:9092", "[fe80::1]:1,kafka-2:65535", "127.0.0.1:9092"])
def test_brokers_may_have_addresses_of_both_kinds(servers: str) -> None:
    """An IPv6 address stands in brackets, as in a URL."""
    assert Settings.load(kafka=servers).kafka == servers


def test_an_address_of_the_database_is_checked_and_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told before anything is started, without the text, which has a password in it."""
    for wrong in ("hunter2", "postgresql://canh:hunter2@[::1/canh", "host=db pasword=hunter2"):
        monkeypatch.setenv("CANH_DATABASE_URL", wrong)
        with pytest.raises(SettingsError, match=r"^CANH_DATABASE_URL: .*PostgreSQL.*Example: ") as caught:
            Settings.load()
        assert "hunter2" not in str(caught.value)
        assert caught.value.__cause__ is None, "a traceback would show it"
    monkeypatch.setenv("CANH_DATABASE_URL", "host=db user=canh password=x")
    assert Settings.load().database_url


def test_origins_are_a_json_list(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the example shows."""
    monkeypatch.setenv("CANH_ORIGINS", '["https://a.vn", "https://b.vn"]')
    assert Settings.load().origins == ("https://a.vn", "https://b.vn")


def test_a_file_that_is_no_text_is_named() -> None:
    """An editor that wrote UTF-16 is found at once."""
    Path(".env").write_bytes("CANH_LANGUAGE=en".encode("utf-16"))
    with pytest.raises(SettingsError, match=r"\.env in .* UTF-8"):
        Settings.load()


def test_a_misspelt_variable_is_found_with_what_was_meant(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the environment and in the file; variables of the tests and of docker-compose.yml are no mistakes."""
    for name in ("CANH_KAFAK", "CANH_KAFKA", "CANH_TEST_BROKER", "CANH_DB_PASSWORD", "OTHER"):
        monkeypatch.setenv(name, "a:1")
    Path(".env").write_text("CANH_LATENES_S=5\nCANH_LANGUAGE=vi\nCANH_XYZZY=1\n")
    assert unknown_variables() == ["CANH_KAFAK", "CANH_LATENES_S", "CANH_XYZZY"]
    assert [nearest_variable(name) for name in unknown_variables()] == ["CANH_KAFKA", "CANH_LATENESS_S", ""]


def test_all_wrong_values_are_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody wants to start five times for five mistakes."""
    monkeypatch.setenv("CANH_API_PORT", "-1")
    monkeypatch.setenv("CANH_LANGUAGE", "fr")
    with pytest.raises(SettingsError) as caught:
        Settings.load()
    assert [line.partition(":")[0] for line in str(caught.value).splitlines()] == ["CANH_API_PORT", "CANH_LANGUAGE"]


def test_secrets_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings may be printed: passwords are masked."""
    monkeypatch.setenv("CANH_DATABASE_URL", "postgresql://canh:hunter2@127.0.0.1/canh")
    monkeypatch.setenv("CANH_MQTT_PASSWORD", "hunter3")
    assert "hunter" not in repr(Settings.load())


def test_settings_are_frozen() -> None:
    """What was checked at the start holds until the end."""
    settings = Settings.load()
    with pytest.raises(ValidationError):
        settings.api_port = 1


def test_the_example_has_every_setting_and_changes_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """A copy of `.env.example` is the defaults; with its lines uncommented it is valid as it stands."""
    text = env_example()
    Path(".env").write_text(text)
    assert Settings.load() == Settings.load(_env_file=None)
    lines = [line for line in text.splitlines() if line.startswith("#CANH_")]
    assert [line.partition("=")[0][1:] for line in lines] == [f"CANH_{name.upper()}" for name in Settings.model_fields]
    Path(".env").write_text("\n".join(line[1:] for line in lines))
    assert Settings.load().kafka == "127.0.0.1:9092"
