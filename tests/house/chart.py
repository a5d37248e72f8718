"""The Helm chart is the manifests with a few values in them: `python -m tests.house.chart --write` makes its templates.

Only these forms stand in them: a value, `toYaml` with `nindent`, and a hash; `rendered` reads those and no other.
"""

import hashlib
import re
import sys
from collections.abc import Mapping
from typing import Any

import orjson
import yaml

from tests.house.sources import ROOT

BASE, CHART = ROOT / "deploy/kubernetes/base", ROOT / "deploy/kubernetes/chart"
TEMPLATES = CHART / "templates"
COMMON = "app.kubernetes.io/name: chathub, app.kubernetes.io/part-of: chathub"
SETTINGS = """apiVersion: v1
kind: ConfigMap
metadata:
  name: settings
  labels: {%s}
data:
  {{- toYaml .Values.settings | nindent 2 }}
"""
NOTE = "# Made of deploy/kubernetes/base by `python -m tests.house.chart --write`.\n"
_FORM = re.compile(r"(\n *)?\{\{(-?) (.+?) \}\}")

Json = dict[str, Any]


def kustomization() -> Json:
    found: Json = yaml.safe_load((BASE / "kustomization.yaml").read_text())
    return found


def templates() -> dict[str, str]:
    """What each template has to be."""
    made = {name: NOTE + _with_values(name, (BASE / name).read_text()) for name in kustomization()["resources"]}
    return made | {"settings.yaml": NOTE + SETTINGS % COMMON}


def _with_values(name: str, text: str) -> str:
    text = "".join(line for line in text.splitlines(True) if not re.match(r"# .*kubectl|# refuse a schema", line))
    text = re.sub(r"\{(app\.kubernetes\.io/component: \w+)\}", rf"{{\1, {COMMON}}}", text)
    text = text.replace("image: chathub", 'image: "{{ .Values.image.repository }}:{{ .Values.image.tag }}"')
    text = re.sub(r"replicas: \d+", f"replicas: {{{{ .Values.replicas.{name.removesuffix('.yaml')} }}}}", text)
    text = text.replace("storage: 20Gi", "storage: {{ .Values.storage }}")
    text = text.replace("podSelector: {}", f"podSelector: {{matchLabels: {{{COMMON}}}}}")
    # A job is never changed: each release has one of its own.
    text = re.sub(r"kind: Job\nmetadata:\n  name: migrate", r"\g<0>-{{ .Release.Revision }}", text)
    # Pods begin anew when a setting changes.
    hashed = '"{{ toJson .Values.settings | sha256sum }}"'
    return re.sub(
        r"(  template:\n    metadata:\n)", rf"\1      annotations: {{checksum/settings: {hashed}}}\n", text
    )


def rendered(text: str, values: Json, revision: int = 1) -> list[Json]:
    """The objects of a template. Raise ValueError for a form that is none of the three."""
    known: Json = {"Values": values, "Release": {"Revision": revision}}
    filled = _FORM.sub(lambda m: _filled(m, known), text)
    return [one for one in yaml.safe_load_all(filled) if one]


def _filled(form: re.Match[str], known: Json) -> str:
    before, cut, said = form[1] or "", form[2], form[3]
    if indented := re.fullmatch(r"toYaml (\.\S+) \| nindent (\d+)", said):
        lines = yaml.safe_dump(_at(known, indented[1]), default_flow_style=False).splitlines()
        return "".join(f"\n{' ' * int(indented[2])}{line}" for line in lines)
    if cut:
        raise ValueError(said)
    if hashed := re.fullmatch(r"toJson (\.\S+) \| sha256sum", said):
        return before + hashlib.sha256(orjson.dumps(_at(known, hashed[1]), option=orjson.OPT_SORT_KEYS)).hexdigest()
    if re.fullmatch(r"\.[\w.]+", said):
        return f"{before}{_at(known, said)}"
    raise ValueError(said)


def _at(known: Mapping[str, Any], path: str) -> Any:
    found: Any = known
    for name in path.strip(".").split("."):
        found = found[name]
    return found


def main() -> None:
    for name, text in templates().items():
        if "--write" in sys.argv:
            TEMPLATES.mkdir(parents=True, exist_ok=True)
            (TEMPLATES / name).write_text(text)
        else:
            print(text)


if __name__ == "__main__":
    main()
