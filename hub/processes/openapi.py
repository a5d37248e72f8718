"""`hub openapi`: print the document that describes the API."""

import sys

import orjson

from hub.api.app import ROUTES
from hub.api.http.openapi import document
from hub.config import Settings


def show(settings: Settings) -> None:
    sys.stdout.buffer.write(orjson.dumps(document(ROUTES, settings.address), option=orjson.OPT_INDENT_2) + b"\n")
