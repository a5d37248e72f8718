"""The files that run the hub in a cluster, under systemd and behind proxies agree with the code and their schemas."""

import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from hub.config import Settings
from tests.house.commands import commands
from tests.house.sources import ROOT

CLUSTER = ROOT / "deploy/kubernetes"
KUBERNETES = "1.32"
FOLDERS = ("base", "autoscaling", "ingress")
Json = dict[str, Any]


@cache
def files() -> list[tuple[str, Json]]:
    """Every object of every file, as it is written."""
    found = []
    for path in sorted(p for folder in FOLDERS for p in (CLUSTER / folder).rglob("*.yaml")):
        found += [(path.name, one) for one in yaml.safe_load_all(path.read_text()) if one]
    return found


def of(*kinds: str) -> list[Json]:
    return [one for _, one in files() if one["kind"] in kinds]


def pods() -> list[tuple[str, Json]]:
    return [(one["metadata"]["name"], one["spec"]["template"]["spec"]) for one in of("Deployment", "Job")]


def test_each_object_is_as_its_schema_says(tmp_path: Path) -> None:
    """Strict, with the schemas of the package; KEDA's own kind has none there."""
    known = [one for name, one in files() if one["kind"] not in ("Kustomization", "ScaledObject")]
    assert len(known) > 10
    place = tmp_path / "all.yaml"
    place.write_text(yaml.safe_dump_all(known))
    command = [sys.executable, "-m", "kubernetes_validate", "--strict", "-k", KUBERNETES, str(place)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0 and ran.stdout.count("passed") + ran.stderr.count("passed") == len(known), ran.stderr


@pytest.mark.parametrize("folder", FOLDERS)
def test_kustomize_renders_it(folder: str) -> None:
    program = shutil.which("kubectl") or pytest.skip("there is no kubectl on this machine")
    ran = subprocess.run([program, "kustomize", str(CLUSTER / folder)], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    made = [one for one in yaml.safe_load_all(ran.stdout) if one]
    assert all(one["metadata"]["namespace"] == "chathub" for one in made)
    images = re.findall(r"image: (\S+)", ran.stdout)
    assert all(re.fullmatch(r"registry\.example\.com/chathub:\d.*", image) for image in images)
    scaled = {one["spec"]["scaleTargetRef"]["name"] for one in made if "scaleTargetRef" in one.get("spec", {})}
    counted = {one["metadata"]["name"] for one in made if "replicas" in one.get("spec", {})}
    assert scaled & counted == set(), "how many there are is the scaler's to say"


def test_it_runs_every_process_by_a_command_that_exists() -> None:
    assert {name for name, _ in pods()} == {"migrate", "web", "worker", "scheduler"}
    for name, pod in pods():
        [container] = pod["containers"]
        assert container["args"] == [name] and name in commands()


def test_pods_may_do_little() -> None:
    for name, pod in pods():
        whose, [container] = pod["securityContext"], pod["containers"]
        assert whose["runAsNonRoot"] is True and whose["runAsUser"] == 10001, name
        assert whose["seccompProfile"] == {"type": "RuntimeDefault"} and pod["automountServiceAccountToken"] is False
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}
        }
        assert container["resources"]["requests"] and container["resources"]["limits"]["memory"], name
        mounts = {m["mountPath"] for m in container["volumeMounts"]}
        assert mounts == {"/var/lib/hub", "/tmp"}, "where anything is written"
        drain = Settings.model_fields["drain_seconds"].default
        assert pod["terminationGracePeriodSeconds"] > drain + 10, "a turn may end"


def test_only_the_migration_owns_the_tables() -> None:
    for name, pod in pods():
        given = {f["secretRef"]["name"] for f in pod["containers"][0]["envFrom"] if "secretRef" in f}
        assert given == ({"secrets", "owner"} if name == "migrate" else {"secrets"}), name


def test_settings_and_secrets_exist_and_no_secret_is_written_down() -> None:
    names = {f"HUB_{n.upper()}" for n in Settings.model_fields}
    [base] = [one for name, one in files() if one["kind"] == "Kustomization" and "configMapGenerator" in one]
    literals = [line.split("=", 1) for line in base["configMapGenerator"][0]["literals"]]
    assert {name for name, _ in literals} <= names
    for secret in of("Secret"):
        assert set(secret["stringData"]) <= names and set(secret["stringData"].values()) == {""}
    assert "secrets.example.yaml" not in base["resources"]


def test_what_answers_is_probed_and_what_may_be_moved_keeps_one() -> None:
    probed = {name: set(pod["containers"][0]) for name, pod in pods()}
    for name in ("web", "worker"):
        assert {"livenessProbe", "startupProbe"} <= probed[name]
    assert "readinessProbe" in probed["web"]
    assert {one["metadata"]["name"] for one in of("PodDisruptionBudget")} == {"web", "worker"}
    assert all("policyTypes" in one["spec"] for one in of("NetworkPolicy")) and of("NetworkPolicy")


def test_workers_follow_the_figure_that_the_hub_tells() -> None:
    [scaler] = of("ScaledObject")
    [trigger] = scaler["spec"]["triggers"]
    told = re.findall(r'_gauge\(registry, "(\w+)"', (ROOT / "hub/processes/metrics.py").read_text())
    assert re.search(r"\bhub_(\w+)\{", trigger["metadata"]["query"])[1] in told  # type: ignore[index]  # a failure says so
    assert scaler["spec"]["scaleTargetRef"]["name"] == "worker"


def test_systemd_understands_the_unit(tmp_path: Path) -> None:
    program = shutil.which("systemd-analyze") or pytest.skip("there is no systemd on this machine")
    text = (ROOT / "deploy/systemd/hub.service").read_text()
    start = re.search(r"^ExecStart=\S+/hub (\w+)", text, re.MULTILINE)
    assert start is not None and start[1] in commands()
    # Verified as if the hub were installed: the program has to be there.
    unit = tmp_path / "hub.service"
    unit.write_text(re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", text, flags=re.MULTILINE))
    ran = subprocess.run([program, "verify", str(unit)], capture_output=True, text=True, check=False)
    assert ran.returncode == 0 and "hub.service" not in ran.stderr, ran.stderr


@pytest.mark.parametrize(("program", "words"), [("caddy", ("validate", "--adapter", "caddyfile", "--config"))])
def test_a_proxy_understands_its_file(program: str, words: tuple[str, ...]) -> None:
    there = shutil.which(program) or pytest.skip(f"there is no {program} on this machine")
    command = [there, *words, str(ROOT / "deploy/proxy/Caddyfile")]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr


def test_the_proxies_do_what_the_hub_needs() -> None:
    nginx, caddy = ((ROOT / "deploy/proxy" / name).read_text() for name in ("nginx.conf", "Caddyfile"))
    assert nginx.count("{") == nginx.count("}") and caddy.count("{") == caddy.count("}")
    for line in re.findall(r"^\s+[a-z_]+ .*$", nginx, re.MULTILINE):
        assert re.search(r"[;{}]\s*(#.*)?$", line), line
    assert "proxy_buffering off" in nginx and "flush_interval -1" in caddy, "answers stream"
    assert "client_max_body_size 64m" in nginx and "max_size 64MB" in caddy
    assert "X-Forwarded-For $remote_addr" in nginx, "what a client claims is not believed"
