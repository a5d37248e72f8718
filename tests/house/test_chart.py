"""The Helm chart installs what the manifests do, and follows its values."""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import orjson
import pytest
import yaml

from hub import __version__
from hub.config import Settings
from tests.house.chart import BASE, CHART, COMMON, TEMPLATES, kustomization, rendered, templates
from tests.house.test_cluster import KUBERNETES

Json = dict[str, Any]
LABELS: Json = yaml.safe_load("{" + COMMON + "}")


def values() -> Json:
    found: Json = yaml.safe_load((CHART / "values.yaml").read_text())
    return found


def installed(given: Json, revision: int = 1) -> list[Json]:
    texts = [path.read_text() for path in sorted(TEMPLATES.iterdir())]
    return [one for text in texts for one in rendered(text, given, revision)]


def named(objects: list[Json]) -> dict[tuple[str, str], Json]:
    return {(one["kind"], one["metadata"]["name"]): one for one in objects}


def _as_kustomize_would(one: Json, image: str) -> Json:
    """Of a manifest what a kustomization makes: the image, and common labels wherever the component is named."""

    def walk(value: Any) -> Any:
        if isinstance(value, dict):
            more = LABELS if "app.kubernetes.io/component" in value else {}
            filled = {k: walk(v) for k, v in value.items()} | more
            return filled | ({"image": image} if value.get("image") == "chathub" else {})
        return [walk(v) for v in value] if isinstance(value, list) else value

    made: Json = walk(one)
    if made["kind"] == "NetworkPolicy":
        made["spec"]["podSelector"] = {"matchLabels": LABELS}
    return made


def _without_hash(one: Json) -> Json:
    if "template" in one.get("spec", {}):
        annotations = one["spec"]["template"]["metadata"].pop("annotations")
        assert len(annotations["checksum/settings"]) == 64
    return one


def test_the_templates_are_made_of_the_manifests() -> None:
    """`python -m tests.house.chart --write` makes them anew."""
    assert {path.name: path.read_text() for path in TEMPLATES.iterdir()} == templates()


def test_by_default_it_installs_what_the_manifests_do() -> None:
    told = kustomization()
    [image] = told["images"]
    files = [BASE / name for name in told["resources"]]
    base = [one for path in files for one in yaml.safe_load_all(path.read_text()) if one]
    wanted = named([_as_kustomize_would(one, f"{image['newName']}:{image['newTag']}") for one in base])
    job = wanted.pop(("Job", "migrate"))
    wanted["Job", "migrate-1"] = job | {"metadata": {"name": "migrate-1"}}
    found = named([_without_hash(one) for one in installed(values())])
    settings = found.pop(("ConfigMap", "settings"))
    assert found == wanted
    assert settings["data"] == dict(line.split("=", 1) for line in told["configMapGenerator"][0]["literals"])


def test_values_are_followed() -> None:
    given = values() | {"image": {"repository": "r.example/x", "tag": "9"}, "storage": "1Ti"}
    given |= {"replicas": {"web": 7, "worker": 8, "scheduler": 1}}
    given["settings"] = given["settings"] | {"HUB_LOG_LEVEL": "debug"}
    found, before = named(installed(given, 3)), named(installed(values()))
    assert ("Job", "migrate-3") in found, "each release has a migration of its own"
    assert [found["Deployment", n]["spec"]["replicas"] for n in ("web", "worker", "scheduler")] == [7, 8, 1]
    assert found["PersistentVolumeClaim", "home"]["spec"]["resources"]["requests"]["storage"] == "1Ti"
    assert found["ConfigMap", "settings"]["data"]["HUB_LOG_LEVEL"] == "debug"
    for name in ("web", "worker", "scheduler"):
        pods = [objects["Deployment", name]["spec"]["template"] for objects in (found, before)]
        assert pods[0]["spec"]["containers"][0]["image"] == "r.example/x:9"
        assert pods[0]["metadata"]["annotations"] != pods[1]["metadata"]["annotations"], "it starts anew"


def test_each_object_is_as_its_schema_says(tmp_path: Path) -> None:
    objects = installed(values())
    place = tmp_path / "all.yaml"
    place.write_text(yaml.safe_dump_all(objects))
    command = [sys.executable, "-m", "kubernetes_validate", "--strict", "-k", KUBERNETES, str(place)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    passed = ran.stdout.count("passed") + ran.stderr.count("passed")
    assert ran.returncode == 0 and passed == len(objects), ran.stderr


def test_settings_exist_and_the_version_is_the_hubs() -> None:
    assert set(values()["settings"]) <= {f"HUB_{n.upper()}" for n in Settings.model_fields}
    assert all(isinstance(v, str) for v in values()["settings"].values()), "a ConfigMap holds text alone"
    told = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert told["appVersion"] == values()["image"]["tag"] == __version__


@pytest.mark.parametrize(
    ("changed", "place"),
    [
        ({"settings": {"HUB_PORT": 8081}}, "settings.HUB_PORT"),
        ({"settings": {"PORT": "8081"}}, "settings"),
        ({"image": {"repository": "r.example/x", "tag": 9}}, "image.tag"),
        ({"replicas": {"web": "two", "worker": 1, "scheduler": 1}}, "replicas.web"),
        ({"replicas": {"web": 1, "worker": 1, "scheduler": 1, "workers": 3}}, "replicas"),
        ({"storage": "much"}, "storage"),
    ],
)
def test_wrong_values_are_named_before_anything_is_installed(changed: Json, place: str) -> None:
    schema = orjson.loads((CHART / "values.schema.json").read_bytes())
    jsonschema.validate(values(), schema)
    with pytest.raises(jsonschema.ValidationError) as refused:
        jsonschema.validate(values() | changed, schema)
    assert ".".join(str(step) for step in refused.value.absolute_path) == place


def test_helm_renders_it_too() -> None:
    program = shutil.which("helm") or pytest.skip("there is no helm on this machine")
    ran = subprocess.run([program, "template", "x", str(CHART)], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    theirs = named([_without_hash(one) for one in yaml.safe_load_all(ran.stdout) if one])
    assert theirs == named([_without_hash(one) for one in installed(values())])
