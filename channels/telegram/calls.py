"""Calls to the Bot API as records, and how their arguments are written in a form."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import aiohttp
import orjson

ATTACHED = "file"


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that goes with a call. argument: the one it is for."""

    argument: str
    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Call:
    """method: as https://core.telegram.org/bots/api names it. An argument that is None is left out."""

    method: str
    arguments: Mapping[str, Any]
    upload: Upload | None = None
    more: Sequence[Upload] = ()  # named by attach:// within the arguments

    @property
    def said(self) -> dict[str, Any]:
        """What is sent, without bytes: for whoever asks why a delivery failed."""
        found = {k: v for k, v in self.arguments.items() if v is not None}
        return found | {self.upload.argument: self.upload.name} if self.upload else found

    def form(self) -> aiohttp.FormData:
        """With its file beside the arguments, which name it."""
        form = aiohttp.FormData(quote_fields=False)
        for name, value in self.arguments.items():
            if value is not None:
                form.add_field(name, value if isinstance(value, str) else orjson.dumps(value).decode())
        if self.upload is not None:
            form.add_field(self.upload.argument, f"attach://{ATTACHED}")
            # Sent piece by piece: as bytes, a large file would hold the loop.
            form.add_field(ATTACHED, BytesIO(self.upload.content), filename=self.upload.name)
        for one in self.more:
            form.add_field(one.argument, BytesIO(one.content), filename=one.name)
        return form
