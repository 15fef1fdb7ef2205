from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.cli import app
from deploy.settings import Settings
from schemas.topics import RAW_BULK

ROOT = Path(__file__).parents[3]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if service["image"].startswith("canh:")}
MANIFESTS: list[dict[str, Any]] = [
    document
    for path in sorted((ROOT / "deploy/kubernetes").glob("*.yaml"))
    for document in yaml.safe_load_all(path.read_text("utf-8"))
]
DOCKERFILE = (ROOT / "deploy/docker/Dockerfile").read_text("utf-8")
#: The keys of a service that we use, after the Compose specification; another one is a slip of the pen.
KEYS = {
    "build", "image", "user", "read_only", "tmpfs", "working_dir", "cap_drop", "security_opt", "restart", "mem_limit",
    "stop_grace_period", "depends_on", "healthcheck", "command", "environment", "ports", "volumes", "shm_size",
    "cpu_shares",
}  # fmt: skip


def pods() -> Iterator[tuple[str, dict[str, Any]]]:
    for manifest in MANIFESTS:
        if manifest["kind"] in {"Deployment", "Job"}:
            yield manifest["metadata"]["name"], manifest["spec"]["template"]["spec"]


CONTAINERS = [
    (f"{name}/{container['name']}", container)
    for name, pod in pods()
    for container in (*pod.get("initContainers", ()), *pod["containers"])
]
COMMANDS = [(name, service["command"]) for name, service in OURS.items()] + [(n, c["args"]) for n, c in CONTAINERS]


@pytest.mark.parametrize(("name", "tokens"), COMMANDS)
def test_every_command_is_one_that_canh_understands(name: str, tokens: list[str]) -> None:
    """Verb, options and their values are parsed by the command line itself."""
    assert tokens[0] in list(app)
    app.parse_args(tokens, exit_on_error=False, print_error=False)


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_well_formed(name: str) -> None:
    """Known keys only, a fixed image, and a limit of memory."""
    service = SERVICES[name]
    assert service.keys() <= KEYS
    assert re.fullmatch(r"[a-z/]+:[\w.-]*\d[\w.-]*", service["image"])
    assert re.fullmatch(r"\d+[mg]", service["mem_limit"])


def test_alarms_go_first_there_too() -> None:
    """A container has 1,024 shares of the processor if nothing is said; the bulk lane's has less, and no other."""
    less = [name for name in SERVICES if SERVICES[name].get("cpu_shares", 1024) < 1024]
    assert less == ["worker-bulk", "worker-bulk-2"]


@pytest.mark.parametrize("name", SERVICES)
def test_ports_are_published_on_loopback_only(name: str) -> None:
    """Nothing is reachable from the network until somebody puts a proxy before it."""
    assert [port for port in SERVICES[name].get("ports", ()) if not port.startswith("127.0.0.1:")] == []


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_waits_for_a_condition_that_can_come_true(name: str) -> None:
    """`service_healthy` needs a health check there, `service_completed_successfully` a service that ends."""
    for other, wanted in SERVICES[name].get("depends_on", {}).items():
        condition = wanted["condition"]
        assert condition in {"service_healthy", "service_completed_successfully"}
        if condition == "service_healthy":
            assert "healthcheck" in SERVICES[other]
        else:
            assert SERVICES[other].get("restart", "no") == "no"


@pytest.mark.parametrize("name", SERVICES)
def test_what_runs_on_can_tell_its_health(name: str) -> None:
    """Every service but the one-shot ones has a health check and comes back after a crash."""
    service = SERVICES[name]
    assert ("healthcheck" in service) == (service.get("restart") == "unless-stopped")


@pytest.mark.parametrize("name", SERVICES)
def test_nothing_runs_with_more_than_it_needs(name: str) -> None:
    """No capability, no new privileges; a read-only root wherever the image allows it."""
    service = SERVICES[name]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    if name != "kafka":  # its start script writes beside the program; the image's own user is no root
        assert service["read_only"] is True
        assert "/tmp" in service["tmpfs"]
        assert not service["user"].startswith("0")


def test_every_volume_is_named() -> None:
    """Data outlives `docker compose down`."""
    used = {volume.partition(":")[0] for service in SERVICES.values() for volume in service.get("volumes", ())}
    assert used == COMPOSE["volumes"].keys()


def test_no_password_is_in_the_file_and_none_is_made_up() -> None:
    """Without CANH_DB_PASSWORD compose stops with a message that says what to set."""
    text = (ROOT / "docker-compose.yml").read_text("utf-8")
    uses = re.findall(r"\$\{CANH_DB_PASSWORD([^}]*)\}", text)
    assert len(uses) == 2
    assert {use[:2] for use in uses} == {":?"}
    assert all("CANH_DB_PASSWORD" in use for use in uses)
    assert re.findall(r"^\s*\w*PASSWORD: *(?!\$)\S", text, re.MULTILINE) == []


def variables() -> Iterator[tuple[str, str]]:
    for name, service in OURS.items():
        yield from ((name, variable) for variable in service["environment"])
    for name, container in CONTAINERS:
        yield from ((name, each["name"]) for each in container.get("env", ()))
    (kustomization,) = [each for each in MANIFESTS if each["kind"] == "Kustomization"]
    for generator in kustomization["configMapGenerator"]:
        yield from (("config map", literal.partition("=")[0]) for literal in generator["literals"])


def test_every_variable_is_a_setting() -> None:
    """A misspelt variable would be ignored in silence."""
    known = {f"CANH_{name.upper()}" for name in Settings.model_fields}
    assert [(name, variable) for name, variable in variables() if variable not in known] == []


def test_both_lanes_and_one_relay_run_everywhere() -> None:
    """Telemetry and alarms have workers of their own; the outbox is moved by one of them."""
    for workers in (
        [service["command"] for service in OURS.values() if service["command"][0] == "worker"],
        [container["args"] for _, container in CONTAINERS if container["args"][0] == "worker"],
    ):
        assert {command[2] for command in workers} == {"bulk", "priority"}
        assert len([command for command in workers if "--only" not in command]) == 1
        bulk = [command for command in workers if "--only" in command]
        assert bulk
        assert all(command[2::2] == ["bulk", "normalize", "store", "evaluate"] for command in bulk)


def test_no_two_workers_of_one_group_have_one_name() -> None:
    """The broker lets in one member of a name: the other would never work."""
    named = [
        (service["command"][2], service["environment"]["CANH_WORKER_ID"])
        for service in OURS.values()
        if service["command"][0] == "worker"
    ]
    assert len(set(named)) == len(named) == 3


def test_workers_are_no_more_than_partitions() -> None:
    """A worker without a partition would never be ready; the relay's worker is alone."""
    replicas = {m["metadata"]["name"]: m["spec"]["replicas"] for m in MANIFESTS if m["kind"] == "Deployment"}
    assert 1 < replicas["canh-worker-bulk"] <= RAW_BULK.partitions
    assert replicas["canh-worker-priority"] == 1


@pytest.mark.parametrize(("name", "container"), CONTAINERS)
def test_a_container_is_locked_down(name: str, container: dict[str, Any]) -> None:
    """As the `restricted` standard of Kubernetes asks, with a read-only root, and memory bounded."""
    context = container["securityContext"]
    assert context["allowPrivilegeEscalation"] is False
    assert context["readOnlyRootFilesystem"] is True
    assert context["capabilities"] == {"drop": ["ALL"]}
    assert container["resources"]["limits"]["memory"]
    assert {mount["mountPath"] for mount in container["volumeMounts"]} == {"/tmp"}


@pytest.mark.parametrize("name", ["canh-worker-bulk", "canh-worker-priority", "canh-api"])
def test_what_runs_on_has_probes(name: str) -> None:
    """Readiness follows the outside world; liveness does not, or a broker outage would restart everything."""
    (container,) = dict(pods())[name]["containers"]
    assert "/health/ready" in str(container["readinessProbe"])
    assert "/health/live" in str(container["livenessProbe"])
    assert "/health/live" in str(container["startupProbe"])


def test_pods_run_as_nobody_and_learn_nothing_of_the_cluster() -> None:
    """No root, no token of the API server."""
    for name, pod in pods():
        assert pod["automountServiceAccountToken"] is False, name
        assert pod["securityContext"]["runAsNonRoot"] is True, name


def test_the_kustomization_names_every_manifest() -> None:
    """A file that is not listed would never be applied."""
    (kustomization,) = [each for each in MANIFESTS if each["kind"] == "Kustomization"]
    there = {path.name for path in (ROOT / "deploy/kubernetes").glob("*.yaml")} - {"kustomization.yaml"}
    assert set(kustomization["resources"]) == there


def test_selectors_find_their_pods() -> None:
    """Deployments and services select by a label that the pods carry."""
    labels = [m["spec"]["template"]["metadata"]["labels"] for m in MANIFESTS if m["kind"] in {"Deployment", "Job"}]
    for manifest in MANIFESTS:
        if manifest["kind"] == "Deployment":
            assert manifest["spec"]["selector"]["matchLabels"] == manifest["spec"]["template"]["metadata"]["labels"]
        if manifest["kind"] == "Service":
            assert manifest["spec"]["selector"] in labels


def test_the_image_is_built_from_the_lock_file_and_runs_as_nobody() -> None:
    """Every package is checked by its hash; the last user is no root; what is copied is there."""
    assert "--require-hashes -r /src/requirements/run.txt" in DOCKERFILE
    assert re.findall(r"^USER (.+)$", DOCKERFILE, re.MULTILINE)[-1] == OURS["api"]["user"]
    for line in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.MULTILINE):
        assert [name for name in line.split()[:-1] if not (ROOT / name).exists()] == []
    assert (ROOT / OURS["api"]["build"]["dockerfile"]).exists()


def test_one_version_everywhere() -> None:
    """Image, manifests and program agree."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    (kustomization,) = [each for each in MANIFESTS if each["kind"] == "Kustomization"]
    assert {service["image"] for service in OURS.values()} == {f"canh:{version}"}
    assert kustomization["images"] == [{"name": "canh", "newTag": version}]
