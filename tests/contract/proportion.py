"""How much of what could be made up is asked for: a field of many bodies, or a parameter of many operations, is tried
with everything that may come and must not once; elsewhere with one value of each kind, another one each time."""

import hashlib
import json
import re
import zlib
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from schemathesis.generation.meta import CoveragePhaseData

# Fields and parameters in what a case says that it tries.
NAMED = re.compile(r"'([^']+)'")
Kind = tuple[Any, ...]


@dataclass
class Proportion:
    """schemas: the document's, by name. first: the operation that has tried all values of a kind of case. seen: how
    many there were at an operation."""

    schemas: dict[str, Any]
    first: dict[Kind, str] = field(default_factory=dict)
    seen: Counter[tuple[str, Kind]] = field(default_factory=Counter)

    def wants(self, case: Any) -> bool:
        """Whether a case tells more than those that were there already."""
        told = case.meta.phase.data if case.meta is not None else None
        if not isinstance(told, CoveragePhaseData) or told.parameter is None:
            return True
        label, kind = case.operation.label, self._kind(case, told)
        first, place = self.first.setdefault(kind, label), self.seen[label, kind]
        self.seen[label, kind] += 1
        return first == label or place == zlib.crc32(label.encode()) % self.seen[first, kind]

    def _kind(self, case: Any, told: CoveragePhaseData) -> Kind:
        return (
            told.scenario, told.description, told.parameter, told.parameter_location, case.method in ("GET", "DELETE"),
            self._digest(case, told),
        )

    def _digest(self, case: Any, told: CoveragePhaseData) -> str:
        """Of the schema of what is tried: the field of the body that is named first, or the parameter."""
        raw = case.operation.definition.raw
        if str(told.parameter_location) != "body":
            found = [p for p in raw.get("parameters", ()) if p.get("name") == told.parameter]
        else:
            media = raw.get("requestBody", {}).get("content", {}).get(told.parameter or "", {})
            whole = self._seen(media.get("schema", {}))
            names = re.findall(r"properties/([^/]+)", told.location or "") or NAMED.findall(told.description)
            fields = whole.get("properties", {})
            found = [fields[name] for name in names[:1] if name in fields] or [whole]
        return hashlib.sha256(json.dumps([self._whole(one, 0) for one in found], sort_keys=True).encode()).hexdigest()

    def _seen(self, schema: Any) -> Any:
        return self.schemas[schema["$ref"].rsplit("/", 1)[1]] if "$ref" in schema else schema

    def _whole(self, schema: Any, depth: int) -> Any:
        """With what it refers to, as far as its values go."""
        if isinstance(schema, list):
            return [self._whole(one, depth) for one in schema]
        if not isinstance(schema, dict) or depth > 4:
            return schema
        return {
            name: self._whole(value, depth + 1) for name, value in self._seen(schema).items()
            if name not in ("title", "description", "examples")
        }
