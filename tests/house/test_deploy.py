"""The files that run the hub elsewhere agree with the code."""

import re
import subprocess
import tomllib
from typing import Any

import pytest
import yaml

from hub.config import Settings
from tests.house.commands import commands
from tests.house.sources import ROOT

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
ENV = (ROOT / "deploy/.env.example").read_text()
DOCKERFILE = [
    line
    for line in (ROOT / "deploy/Dockerfile").read_text().splitlines()
    if line and not line.startswith("#")
]
SECRET_SETTINGS = {"HUB_DATABASE_URL", "HUB_REDIS_URL", "HUB_SEALING_KEY"}
OURS = {"migrate", "web", "worker", "scheduler"}


def _default(name: str) -> str:
    value = Settings.model_fields[name].default
    if hasattr(value, "get_secret_value"):
        return str(value.get_secret_value())
    return str(value).lower() if isinstance(value, bool) else str(value)


def _chosen(*named: str) -> str:
    asked = ["make", *named, "--eval=chosen: ; @echo $(PYTHON)", "--no-print-directory", "chosen"]
    return subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()


def test_make_takes_a_python_that_serves_or_the_one_that_is_named() -> None:
    told = "import ensurepip, sys; print(sys.version_info >= (3, 11))"
    assert subprocess.check_output([_chosen(), "-c", told], text=True).strip() == "True"
    assert _chosen("PYTHON=python3.12") == "python3.12"


def test_the_example_names_exactly_the_settings_with_their_defaults() -> None:
    found = dict(re.findall(r"^#?([A-Z_]+)=(.*)$", ENV, re.MULTILINE))
    expected = {f"HUB_{n.upper()}": _default(n) for n in Settings.model_fields}
    assert {k: v for k, v in found.items() if k.startswith("HUB_")} == expected
    others = {k: v for k, v in found.items() if not k.startswith("HUB_")}
    assert others == {"POSTGRES_PASSWORD": "", "VALKEY_PASSWORD": ""}
    assert {k for k, v in found.items() if v and k in SECRET_SETTINGS} == set()


def test_the_example_says_what_each_setting_is_for() -> None:
    lines = ENV.splitlines()
    for name, field in Settings.model_fields.items():
        place = next(
            n for n, line in enumerate(lines) if line.lstrip("#").startswith(f"HUB_{name.upper()}=")
        )
        assert lines[place - 1] == f"# {field.description}", name


def test_compose_runs_the_servers_and_every_process() -> None:
    assert set(SERVICES) == OURS | {"postgres", "valkey"}


@pytest.mark.parametrize("name", sorted(OURS))
def test_a_service_runs_a_command_that_exists(name: str) -> None:
    [command] = SERVICES[name]["command"]
    assert command in commands()


def test_everything_that_answers_has_a_health_check() -> None:
    for name in ("postgres", "valkey", "web", "worker"):
        check = SERVICES[name]["healthcheck"]
        assert (
            check["test"][0] in ("CMD", "CMD-SHELL")
            and check["interval"]
            and check["timeout"]
            and check["retries"]
        ), name
    assert "/health/ready" in str(SERVICES["web"]["healthcheck"])


def test_processes_wait_for_healthy_servers_and_the_schema() -> None:
    for name in OURS - {"migrate"}:
        waits = {k: v["condition"] for k, v in SERVICES[name]["depends_on"].items()}
        assert waits == {
            "postgres": "service_healthy",
            "valkey": "service_healthy",
            "migrate": "service_completed_successfully",
        }
    assert SERVICES["migrate"]["restart"] == "no"


def test_there_is_no_default_secret() -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    used = re.findall(r"\$\{([A-Z_]+)([^}]*)\}", text)
    assert {n for n, _ in used if n.endswith(("PASSWORD", "KEY"))} == {
        "POSTGRES_PASSWORD",
        "VALKEY_PASSWORD",
        "HUB_SEALING_KEY",
    }
    assert [
        n for n, rest in used if n.endswith(("PASSWORD", "KEY")) and not rest.startswith(":?")
    ] == []
    assert not re.search(r"(?i)(password|key|token):\s*[\"']?(?!\$)[a-z0-9]{6,}", text)


def test_settings_in_compose_exist() -> None:
    names = {f"HUB_{n.upper()}" for n in Settings.model_fields}
    for service in OURS:
        assert set(SERVICES[service]["environment"]) <= names
    in_image = re.findall(r"\b(HUB_[A-Z_]+)=", "\n".join(DOCKERFILE))
    assert set(in_image) <= names


def _images() -> list[str]:
    found = [s["image"] for s in SERVICES.values() if "build" not in s]
    return found + [line.split()[1] for line in DOCKERFILE if line.startswith("FROM")]


def test_images_are_pinned() -> None:
    for image in _images():
        _, _, tag = image.partition(":")
        assert tag and tag != "latest" and re.search(r"\d", tag), image


def test_our_containers_may_do_little() -> None:
    for name in OURS:
        service = SERVICES[name]
        assert service["read_only"] is True and service["cap_drop"] == ["ALL"], name
        assert "no-new-privileges:true" in service["security_opt"] and not service.get(
            "privileged"
        ), name


def test_only_the_web_port_is_published_and_only_locally() -> None:
    published = [p for s in SERVICES.values() for p in s.get("ports", ())]
    assert published == ["127.0.0.1:8080:8080"]


def test_the_image_has_two_stages_and_no_root() -> None:
    assert len([line for line in DOCKERFILE if line.startswith("FROM")]) == 2
    last = DOCKERFILE[max(n for n, line in enumerate(DOCKERFILE) if line.startswith("FROM")) :]
    [user] = [line.split()[1] for line in last if line.startswith("USER")]
    assert user not in ("root", "0")
    after = last[[line.split()[0] for line in last].index("USER") :]
    assert not any(line.startswith(("RUN", "COPY")) for line in after), (
        "built by root, run by another"
    )


def test_the_image_fetches_nothing_unchecked() -> None:
    assert not any(line.startswith("ADD") for line in DOCKERFILE)
    assert not re.search(r"\b(curl|wget)\b", "\n".join(DOCKERFILE))
    assert any("--require-hashes -r requirements.lock" in line for line in DOCKERFILE)


def test_the_lock_is_copied_before_the_code() -> None:
    copies = [n for n, line in enumerate(DOCKERFILE) if line.startswith("COPY")]
    lock = next(n for n in copies if "requirements.lock" in DOCKERFILE[n])
    install = next(n for n, line in enumerate(DOCKERFILE) if "--require-hashes" in line)
    code = next(n for n in copies if DOCKERFILE[n].split()[1] in ("hub", "."))
    assert lock < install < code


def test_every_dependency_is_locked_with_its_hash() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    groups = project["dependency-groups"]
    runs = {_name(n) for n in (*project["project"]["dependencies"], *groups["build"])}
    develops = {_name(n) for n in groups["dev"] if isinstance(n, str)}
    locked, more = (_locked(name) for name in ("requirements.lock", "requirements-dev.lock"))
    assert runs <= set(locked) and runs | develops <= set(more)
    assert develops & set(locked) - {"pyyaml"} == set(), "what runs needs no tool of developers"
    assert {n: v for n, v in locked.items() if more[n] != v} == {}, "tests run what runs"


def _name(requirement: str) -> str:
    return re.split(r"[<>=;\[ ]", requirement)[0].lower()


def _locked(file: str) -> dict[str, str]:
    """Versions by name; each with a hash."""
    entries = re.split(r"^(?=[A-Za-z0-9_.-]+==)", (ROOT / file).read_text(), flags=re.MULTILINE)[1:]
    assert [e.splitlines()[0] for e in entries if "--hash=sha256:" not in e] == []
    found = [re.match(r"([A-Za-z0-9_.-]+)==([^ ;\\]+)", e) for e in entries]
    return {m[1].lower().replace("_", "-"): m[2] for m in found if m}


def test_make_offers_the_usual_commands() -> None:
    text = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z]+):", text, re.MULTILINE))
    wanted = {"up", "dev", "test", "check", "lint", "types", "contracts", "fmt", "storm", "bench", "lock", "clean"}
    assert targets >= wanted
    [phony] = re.findall(r"^\.PHONY: (.*)$", text, re.MULTILINE)
    assert targets - {"help"} <= set(phony.split()) | {"help"}
