"""The only reader of the environment: one frozen object, checked at start, with messages that tell the mend."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from schemas.errors import SettingsError

Port = Annotated[int, Field(ge=0, le=65535)]


class Settings(BaseSettings):
    """Every setting of Canh; each is read from the environment as CANH_<NAME> or from a file `.env`."""

    model_config = SettingsConfigDict(env_prefix="CANH_", env_file=".env", extra="ignore", frozen=True)

    home: Path = Field(
        Path(".canh"), description="Directory of the embedded servers' data, logs and locks.", examples=[".canh"]
    )
    kafka: str | None = Field(
        None,
        description="Bootstrap servers of an Apache Kafka; unset: the embedded broker.",
        examples=["127.0.0.1:9092"],
        pattern=r"^[^\s,:]+:\d+(,[^\s,:]+:\d+)*$",
    )
    database_url: SecretStr | None = Field(
        None,
        description="PostgreSQL or TimescaleDB; unset: the embedded server.",
        examples=["postgresql://canh:secret@127.0.0.1:5432/canh"],
    )
    broker_port: Port = Field(19092, description="Port of the embedded broker on 127.0.0.1; 0: any free one.")
    database_port: Port = Field(15432, description="Port of the embedded PostgreSQL on 127.0.0.1; 0: any free one.")
    api_host: str = Field("127.0.0.1", description="Address that the API listens on; loopback unless a proxy is near.")
    api_port: Port = Field(8420, description="Port of the API and console.")
    origins: tuple[str, ...] = Field(
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
    metrics_port: Port = Field(
        0,
        description="Port of the worker's health and Prometheus metrics on 127.0.0.1; 0: none. "
        "`canh up` gives it to the priority lane's worker, the next one to the bulk lane's.",
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
    retention_days: int = Field(90, ge=1, description="Days that raw observations are kept (hypertables only).")

    @classmethod
    def load(cls, **given: object) -> Settings:
        """Read and check all settings; raises SettingsError naming each bad variable, its problem and an example."""
        try:
            return cls(**given)  # type: ignore[arg-type]  # names and types are checked by pydantic right here
        except ValidationError as error:
            raise SettingsError("\n".join(_explain(cls, problem) for problem in error.errors())) from error


def _explain(model: type[Settings], problem: object) -> str:
    assert isinstance(problem, dict)  # noqa: S101 -- pydantic's error list is of dicts; tells the type checker
    name = str(problem["loc"][0]) if problem["loc"] else "?"
    field = model.model_fields.get(name)
    example = field.examples[0] if field is not None and field.examples else (field.default if field else "")
    variable = f"CANH_{name.upper()}"
    return f"{variable}: {problem['msg']} (given: {problem.get('input')!r}). Example: {variable}={example}"


def env_example() -> str:
    """Give the text of `.env.example`: every variable with its meaning and default, all commented out."""
    lines = ["# Every setting of Canh. All have defaults: uncomment what you change.", ""]
    for name, field in Settings.model_fields.items():
        value = field.examples[0] if field.examples else field.default
        shown = str(value).lower() if isinstance(value, bool) else value
        lines += [f"# {field.description}", f"#CANH_{name.upper()}={shown}", ""]
    return "\n".join(lines)
