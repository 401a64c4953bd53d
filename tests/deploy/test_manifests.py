"""The files in deploy/ are valid and name only what exists. No image is built here and no cluster is reached."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from bot.settings import Settings

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
KUBERNETES = DEPLOY / "kubernetes"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
SETTINGS = {name.upper() for name in Settings.model_fields}
CUSTOM = {"ServiceMonitor"}
"""Kinds of an operator, not of Kubernetes: no schema of theirs is published with the validator."""


def documents(path: Path) -> list[dict[str, Any]]:
    return [one for one in yaml.safe_load_all(path.read_text()) if one]


def resources() -> list[dict[str, Any]]:
    kustomization = documents(KUBERNETES / "kustomization.yaml")[0]
    return [one for name in kustomization["resources"] for one in documents(KUBERNETES / name)]


def pods() -> list[dict[str, Any]]:
    return [one["spec"]["template"]["spec"] for one in resources() if "template" in one.get("spec", {})]


@pytest.mark.parametrize("resource", resources(), ids=lambda one: one["kind"])
def test_a_manifest_follows_the_schema_of_kubernetes(resource: dict[str, Any]) -> None:
    if resource["kind"] in CUSTOM:
        assert resource["apiVersion"].startswith("monitoring.coreos.com/")
        return
    kubernetes_validate.validate(resource, "1.29", strict=True)


def test_the_kustomization_names_files_that_exist() -> None:
    kustomization = documents(KUBERNETES / "kustomization.yaml")[0]
    named = [*kustomization["resources"]]
    for generator in kustomization["configMapGenerator"]:
        named += generator.get("envs", []) + generator.get("files", [])
    assert [name for name in named if not (KUBERNETES / name).is_file()] == []


def test_a_service_and_a_budget_select_the_pods_of_the_deployment() -> None:
    by_kind = {one["kind"]: one for one in resources()}
    labels = by_kind["Deployment"]["spec"]["template"]["metadata"]["labels"].items()
    assert by_kind["Service"]["spec"]["selector"].items() <= labels
    assert by_kind["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"].items() <= labels
    assert (
        by_kind["ServiceMonitor"]["spec"]["selector"]["matchLabels"].items()
        <= by_kind["Service"]["metadata"]["labels"].items()
    )


@pytest.mark.parametrize("pod", pods(), ids=lambda one: one["containers"][0]["name"])
def test_a_pod_runs_without_privileges_on_a_read_only_root(pod: dict[str, Any]) -> None:
    assert pod["securityContext"]["runAsNonRoot"]
    for container in pod["containers"]:
        assert container["securityContext"]["readOnlyRootFilesystem"]
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}


def test_a_pod_is_probed_at_paths_that_the_bot_serves() -> None:
    deployment = next(one for one in resources() if one["kind"] == "Deployment")
    container = deployment["spec"]["template"]["spec"]["containers"][0]
    probes = {name: probe["httpGet"]["path"] for name, probe in container.items() if name.endswith("Probe")}
    assert probes == {"startupProbe": "/healthz", "livenessProbe": "/healthz", "readinessProbe": "/readyz"}


def test_the_environment_names_settings_that_exist() -> None:
    written = {line.split("=")[0] for line in (KUBERNETES / "settings.env").read_text().split()}
    assert written <= SETTINGS
    compose = documents(DEPLOY / "compose.yaml")[0]
    for service in ("quotabot", "migrate", "bot"):
        assert set(compose["services"][service].get("environment", {})) <= SETTINGS
    unit = (DEPLOY / "quotabot.service").read_text()
    assigned = re.findall(r"^Environment=(.*)$", unit, re.MULTILINE)
    assert {word.split("=")[0] for line in assigned for word in line.split()} <= SETTINGS
    container = (DEPLOY / "Containerfile").read_text()
    assert {"POLICY_FILE", "HTTP_HOST", "LOG_FORMAT"} <= SETTINGS & set(
        re.findall(r"\b([A-Z_]{5,})=", container)
    )


def test_compose_names_secrets_services_and_volumes_that_it_declares() -> None:
    compose = documents(DEPLOY / "compose.yaml")[0]
    for name, service in compose["services"].items():
        assert set(service.get("secrets", ())) <= set(compose["secrets"]), name
        assert set(service.get("depends_on", ())) <= set(compose["services"]), name
        assert {one.split(":")[0] for one in service.get("volumes", ())} <= set(compose["volumes"]), name


def test_the_policy_of_the_cluster_is_the_example() -> None:
    assert (KUBERNETES / "policy.yaml").read_text() == (ROOT / "policy.example.yaml").read_text()


def test_the_image_copies_what_exists_and_does_not_run_as_root() -> None:
    text = (DEPLOY / "Containerfile").read_text()
    copied = [
        word for line in re.findall(r"^COPY (?!--)(.*)$", text, re.MULTILINE) for word in line.split()[:-1]
    ]
    included = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    assert {"bot", "handlers", "models", "sandbox", "requirements-run.lock"} <= set(copied)
    built = {Path(name).name for name in included}
    assert built <= {Path(name).name for name in copied}, "the build of the wheel would stop"
    assert [name for name in copied if not (ROOT / name).exists()] == []
    assert re.search(r"^USER 10001", text, re.MULTILINE)
    assert "HEALTHCHECK" in text


def test_what_runs_is_locked_at_the_versions_that_are_tested() -> None:
    locked, tested = (pinned(name) for name in ("requirements-run.lock", "requirements.lock"))
    wanted = {re.split(r"[^\w-]", one)[0] for one in PROJECT["project"]["dependencies"]}
    assert wanted <= set(locked), "make lock"
    assert locked.items() <= tested.items(), "make lock"


def pinned(name: str) -> dict[str, str]:
    """Versions by package; a package with several versions has all of them."""
    found: dict[str, str] = {}
    for package, version in re.findall(
        r"^([\w.-]+)==(\S+.*?) *\\?$", (ROOT / name).read_text(), re.MULTILINE
    ):
        found[package] = f"{found.get(package, '')} {version}"
    return found


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not on this machine")
def test_systemd_reads_the_unit(tmp_path: Path) -> None:
    unit = (DEPLOY / "quotabot.service").read_text().replace("/opt/quotabot/bin/quotabot", "/bin/true")
    path = tmp_path / "quotabot.service"
    path.write_text(unit)
    ran = subprocess.run(["systemd-analyze", "verify", path], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
