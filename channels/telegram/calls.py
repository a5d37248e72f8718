"""Calls to the Bot API as records, and how their arguments are written: as JSON, with files in a form."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from types import MappingProxyType
from typing import Any

import aiohttp
import orjson

from channels.base import ChannelError

ATTACHED = "file"
JSON = MappingProxyType({"Content-Type": "application/json"})


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

    def written(self) -> tuple[aiohttp.FormData | bytes, Mapping[str, str]]:
        """The body and its headers: JSON, which costs a fraction of a form, where no file goes along."""
        if self.upload is not None or self.more:
            return self._form(), {}
        try:
            return orjson.dumps({k: v for k, v in self.arguments.items() if v is not None}), JSON
        except TypeError:  # a lone surrogate, for one
            raise ChannelError("The message cannot be written as JSON.", permanent=True) from None

    def _form(self) -> aiohttp.FormData:
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
