"""The OpenAPI documents, made when the first test asks for one: that takes seconds, and most processes never do."""

from functools import cache
from typing import Any

from hub.api.app import ROUTES
from hub.api.http import openapi
from hub.api.http.families import FAMILIES

ADDRESS = "https://hub.example"


def document(family: str = "") -> dict[str, Any]:
    """The whole one, or a family's; the same for all who ask, so nobody may change it."""
    return _made(family)


@cache
def _made(family: str) -> dict[str, Any]:
    return openapi.of_family(ROUTES, ADDRESS, FAMILIES[family]) if family else openapi.document(ROUTES, ADDRESS)
