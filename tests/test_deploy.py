"""What `deploy/` says is so: its commands are commands, its parts find each other, and it holds no secrets."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

DEPLOY = Path(__file__).resolve().parents[1] / "deploy"
MANIFESTS = sorted(one for one in (DEPLOY / "kubernetes").glob("*.yaml") if one.name != "kustomization.yaml")


def _documents(path: Path) -> list[dict[str, Any]]:
    return [one for one in yaml.safe_load_all(path.read_text(encoding="utf-8")) if one is not None]


def _everything() -> list[dict[str, Any]]:
    return [one for path in MANIFESTS for one in _documents(path)]


def _walk(value: Any) -> Iterator[dict[str, Any]]:
    """Every table below a value."""
    if isinstance(value, dict):
        yield value
    for one in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _walk(one)


def _pods() -> list[tuple[str, dict[str, Any]]]:
    return [(one["spec"]["containers"][0]["name"], one["spec"]) for one in _walk(_everything()) if _is_pod(one)]


def _is_pod(one: dict[str, Any]) -> bool:
    return isinstance(one.get("spec"), dict) and "containers" in one["spec"]


def _commands() -> list[str]:
    """Every command line that begins with vasari, of all files, words that a shell reads among them."""
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
    given = [one["command"] for one in _walk([compose, *_everything()]) if isinstance(one.get("command"), list)]
    lines = [shlex.join(one) for one in given if one[0] == "vasari"]
    for script in (one[2] for one in given if one[:2] == ["sh", "-c"]):
        lines += [part.strip() for part in re.findall(r"vasari [^;]+", script)]
    dockerfile = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    lines += [shlex.join(yaml.safe_load(one)) for one in re.findall(r"^CMD (\[.*\])$", dockerfile, re.MULTILINE)]
    texts = dockerfile + "".join(one.read_text(encoding="utf-8") for one in MANIFESTS)
    lines += [one.strip() for one in re.findall(r"^#.* -- (vasari .*)$", texts, re.MULTILINE)]
    return sorted(set(lines))


@pytest.mark.parametrize("line", _commands())
def test_every_command_parses(line: str) -> None:
    from vasari.app.cli.main import application

    application().parse_args(shlex.split(line)[1:], exit_on_error=False, print_error=False)


def test_the_services_of_compose_find_each_other() -> None:
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
    services = compose["services"]
    assert {"database", "prepare", "web", "worker"} <= services.keys()
    conditions = {"service_started", "service_healthy", "service_completed_successfully"}
    for name, service in services.items():
        for other, how in service.get("depends_on", {}).items():
            assert other in services, name
            assert how["condition"] in conditions
            assert how["condition"] != "service_healthy" or "healthcheck" in services[other]
        named = [one.split(":")[0] for one in service.get("volumes", ()) if re.match(r"^[a-z]", one)]
        assert set(named) <= compose["volumes"].keys()
        # Beyond this machine nothing listens: who wants that sets a proxy with TLS before it.
        assert all(str(one).startswith("127.0.0.1:") for one in service.get("ports", ())), name
    assert "database" in " ".join(services["prepare"]["command"])
    build = services["web"]["build"]
    assert (DEPLOY / build["context"] / build["dockerfile"]).resolve() == DEPLOY / "Dockerfile"


def test_every_manifest_is_listed_and_says_what_it_is() -> None:
    (listed,) = _documents(DEPLOY / "kubernetes" / "kustomization.yaml")
    assert sorted(listed["resources"]) == [one.name for one in MANIFESTS]
    seen = set()
    for one in _everything():
        assert one["apiVersion"]
        key = one["kind"], one["metadata"]["name"]
        assert key not in seen
        seen.add(key)
    kinds = {kind for kind, _ in seen}
    assert {"Namespace", "Service", "StatefulSet", "Deployment", "RayCluster", "PersistentVolumeClaim"} == kinds


def test_selectors_choose_the_pods_they_are_meant_for() -> None:
    labels = [one["metadata"]["labels"] for one in _walk(_everything()) if _is_pod(one) and "metadata" in one]
    for one in _everything():
        if one["kind"] in ("Deployment", "StatefulSet"):
            assert one["spec"]["selector"]["matchLabels"] == one["spec"]["template"]["metadata"]["labels"]
        if one["kind"] == "Service":
            assert one["spec"]["selector"] in labels
            pods = [spec for name, spec in _pods() if one["metadata"]["name"].endswith(_of(name))]
            ports = {port["containerPort"] for spec in pods for port in spec["containers"][0].get("ports", ())}
            assert {port.get("targetPort", port["port"]) for port in one["spec"]["ports"]} <= ports


def _of(container: str) -> str:
    return {"postgres": "database"}.get(container, container)


def test_every_volume_is_there_and_every_mount_has_one() -> None:
    claims = {one["metadata"]["name"] for one in _everything() if one["kind"] == "PersistentVolumeClaim"}
    for name, spec in _pods():
        volumes = {one["name"]: one for one in spec.get("volumes", ())}
        assert {one["persistentVolumeClaim"]["claimName"] for one in volumes.values()} <= claims
        if name != "postgres":
            mounts = {mount["name"] for one in spec["containers"] for mount in one["volumeMounts"]}
            assert mounts == volumes.keys(), name
    # Ray's workers see what its head sees, under the same paths; masters are read-only everywhere.
    pods = dict(_pods())
    head, worker = (pods[name]["containers"][0]["volumeMounts"] for name in ("ray-head", "ray-worker"))
    assert head == worker
    scans = [one for one in _walk(_everything()) if one.get("mountPath") == "/scans"]
    assert len(scans) == 4
    assert all(one["readOnly"] for one in scans)


def test_ray_is_started_quietly_and_not_without_a_token() -> None:
    (cluster,) = (one["spec"] for one in _everything() if one["kind"] == "RayCluster")
    assert cluster["authOptions"] == {"mode": "token"}
    assert cluster["headGroupSpec"]["rayStartParams"]["include-dashboard"] == "false"
    dockerfile = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    assert "RAY_USAGE_STATS_ENABLED=0" in dockerfile
    # The one version that all have, within what the extra allows.
    version = tuple(int(one) for one in cluster["rayVersion"].split("."))
    assert (2, 55) <= version < (2, 70)


def test_no_secret_lies_here() -> None:
    for path in DEPLOY.rglob("*"):
        if not path.is_file():
            continue
        if path.name == ".env":
            continue  # somebody's own, which git is told to pass over
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"kind: Secret\b", text), path
        for found in re.finditer(r"(?im)^\s*-?\s*(?:\w*PASSWORD\w*|\w*TOKEN\w*)[ \t]*[:=][ \t]*(.*)$", text):
            assert found[1].startswith("${PGPASSWORD:?") or not found[1], found[0]
    assert ".env" in (DEPLOY / ".gitignore").read_text(encoding="utf-8").split()
