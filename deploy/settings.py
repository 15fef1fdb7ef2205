"""The only reader of the environment: one frozen object, checked at start, with messages that tell the mend."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Literal

from dotenv import dotenv_values
from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from deploy.addresses import HIGHEST_PORT, brokers, postgres
from schemas.errors import SettingsError

ENV_FILE = ".env"
#: Variables of our name that others read: docker-compose.yml and the benches.
FOREIGN = frozenset({"CANH_DB_PASSWORD", "CANH_BENCH_TRACE"})
Port = Annotated[int, Field(ge=0, le=HIGHEST_PORT)]


def _checked_database(url: SecretStr) -> SecretStr:
    postgres(url.get_secret_value())
    return url


def _json_list(given: object) -> object:
    """Read what the environment gives; whatever else was given is pydantic's to check."""
    if not isinstance(given, str):
        return given
    try:
        found: object = json.loads(given)
    except ValueError:
        raise ValueError("is no JSON list") from None
    return found


class Settings(BaseSettings):
    """Every setting of Canh; each is read from the environment as CANH_<NAME> or from a file `.env`."""

    model_config = SettingsConfigDict(env_prefix="CANH_", env_file=ENV_FILE, extra="ignore", frozen=True)

    home: Path = Field(
        Path(".canh"), description="Directory of the embedded servers' data, logs and locks.", examples=[".canh"]
    )
    kafka: Annotated[str, AfterValidator(brokers)] | None = Field(
        None,
        description="Bootstrap servers of an Apache Kafka; unset: the embedded broker.",
        examples=["127.0.0.1:9092"],
    )
    database_url: Annotated[SecretStr, AfterValidator(_checked_database)] | None = Field(
        None,
        description="PostgreSQL or TimescaleDB; unset: the embedded server.",
        examples=["postgresql://canh:secret@127.0.0.1:5432/canh"],
    )
    broker_port: Port = Field(19092, description="Port of the embedded broker on 127.0.0.1; 0: any free one.")
    database_port: Port = Field(15432, description="Port of the embedded PostgreSQL on 127.0.0.1; 0: any free one.")
    api_host: str = Field("127.0.0.1", description="Address that the API listens on; loopback unless a proxy is near.")
    api_port: Port = Field(8420, description="Port of the API and console.")
    origins: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_json_list)] = Field(
        (),
        description="Browser origins besides our own that may open the feed, as a JSON list.",
        examples=['["https://ioc.example.vn"]'],
    )
    trusted_proxies: str | None = Field(
        None,
        description="Addresses of the proxies whose X-Forwarded-For is believed, with commas; unset: nobody's.",
        examples=["127.0.0.1"],
        pattern=r"^[0-9A-Fa-f.:/]+(,[0-9A-Fa-f.:/]+)*$",
    )
    cookie_secure: bool = Field(
        False, description="true behind HTTPS: the session cookie then gets __Host- and Secure."
    )
    lateness_s: float = Field(3600, ge=0, description="Events older than this when received are marked late.")
    future_s: float = Field(300, ge=0, description="Events this far in the future are marked.")
    poison_ratio: float = Field(
        0.5,
        gt=0,
        le=1,
        description="The worker stops when more than this share of 1,000 messages is refused, of several sources.",
    )
    metrics_port: Annotated[int, Field(ge=0, le=HIGHEST_PORT - 2)] = Field(
        0,
        description="Port of the worker's health and Prometheus metrics on 127.0.0.1; 0: none. "
        "`canh up` gives it to the priority lane's worker, the next two to the bulk lane's.",
    )
    worker_id: str = Field(
        "",
        description="Name of this worker, fixed over restarts: it then gets its partitions back at once. Empty: none.",
        examples=["worker-1"],
        pattern=r"^[A-Za-z0-9._-]*$",
    )
    embedded_broker: bool = Field(
        False, description="Set by `canh up`: the worker trims topics, for the embedded broker keeps all in memory."
    )
    mqtt_password: SecretStr | None = Field(
        None, description="Password of `canh source mqtt --user`.", examples=["..."]
    )
    log: Literal["pretty", "json"] = Field("pretty", description="Log format: pretty for people, json for machines.")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least level that is logged.")
    language: Literal["vi", "en"] = Field("vi", description="Default language of the console.")
    retention_days: int = Field(90, ge=1, description="Days that observations are kept since they came.")
    retention_events_days: int = Field(
        365,
        ge=1,
        description="Days that events (detections, reports, alerts, positions, cases) are kept since they came.",
    )
    retention_resolved_days: int = Field(
        90, ge=1, description="Days that refusals are kept for the record since they were sent again."
    )
    retention_refusals_days: int = Field(
        365, ge=1, description="Days that refusals which nobody has mended are kept since they came last."
    )
    retention_rollups_days: int = Field(
        1825, ge=1, description="Days that rollups of observations reach back (TimescaleDB full edition)."
    )

    @classmethod
    def load(cls, **given: object) -> Settings:
        """Read and check all settings; raises SettingsError naming each bad variable, its problem and an example."""
        try:
            return cls(**given)  # type: ignore[arg-type]  # names and types are checked by pydantic right here
        except ValidationError as error:
            raise SettingsError("\n".join(_explain(cls, problem) for problem in error.errors())) from None
        except (UnicodeDecodeError, OSError) as error:
            why = "is not text in UTF-8" if isinstance(error, UnicodeDecodeError) else error.strerror
            raise SettingsError(f"The file {ENV_FILE} in {Path.cwd()} cannot be read: {why}.") from None


def _explain(model: type[Settings], problem: object) -> str:
    assert isinstance(problem, dict)  # noqa: S101 -- pydantic's error list is of dicts; tells the type checker
    name = str(problem["loc"][0]) if problem["loc"] else "?"
    field = model.model_fields.get(name)
    example = field.examples[0] if field is not None and field.examples else (field.default if field else "")
    variable = f"CANH_{name.upper()}"
    secret = field is not None and "SecretStr" in repr(field.annotation)
    given = "" if secret else f" (given: {problem.get('input')!r})"
    return f"{variable}: {_said(problem)}{given}. Example: {variable}={example}"


def _said(problem: Mapping[str, object]) -> str:
    """Give pydantic's words, but no regular expression: the example says more."""
    if problem["type"] == "string_pattern_mismatch":
        return "does not look right"
    return str(problem["msg"]).removeprefix("Value error, ")


def unknown_variables() -> list[str]:
    """Give the CANH_ variables, of the environment and of `.env`, that nobody reads: most are misspelt."""
    there = {name.upper() for name in (*os.environ, *_in_file())}
    known = {f"CANH_{name.upper()}" for name in Settings.model_fields} | FOREIGN
    return sorted(name for name in there - known if name.startswith("CANH_") and not name.startswith("CANH_TEST_"))


def nearest_variable(name: str) -> str:
    """Give the variable that was probably meant, empty when none is like it."""
    known = [f"CANH_{field.upper()}" for field in Settings.model_fields]
    return next(iter(get_close_matches(name, known, 1, 0.7)), "")


def _in_file() -> Iterable[str]:
    file = Path(ENV_FILE)
    return dotenv_values(file, interpolate=False) if file.is_file() else ()


def env_example() -> str:
    """Give the text of `.env.example`: every variable with its meaning and default, all commented out."""
    lines = ["# Every setting of Canh. All have defaults: uncomment what you change.", ""]
    for name, field in Settings.model_fields.items():
        value = field.examples[0] if field.examples else field.default
        shown = str(value).lower() if isinstance(value, bool) else value
        lines += [f"# {field.description}", f"#CANH_{name.upper()}={shown}", ""]
    return "\n".join(lines)
