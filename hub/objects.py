"""S3-compatible storage for the contents of files, where one is set up; PostgreSQL keeps everything else."""

from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import obstore
from obstore.exceptions import BaseError
from obstore.exceptions import NotFoundError as Missing
from obstore.store import S3Store

from hub.errors import Overloaded, Setup

FORM = "HUB_FILES_URL must be s3://bucket/prefix, with ?endpoint=https://... for another storage than Amazon's."
AWAY = "The storage of files cannot be reached; try again in a few seconds."
OPTIONS = ("endpoint", "region")


class Objects:
    """Objects by name. What fails is Overloaded: it may be better in a moment."""

    def __init__(self, store: Any) -> None:
        self._store = store

    async def put(self, name: str, content: bytes) -> None:
        """In parts where it is large."""
        try:
            await obstore.put_async(self._store, name, content)
        except BaseError:
            raise Overloaded(AWAY, retry_after=5) from None

    async def get(self, name: str, start: int, end: int) -> bytes:
        """Bytes from `start` up to before `end`; none where there is no such object (any more)."""
        try:
            return bytes(await obstore.get_range_async(self._store, name, start=start, end=end))
        except (Missing, FileNotFoundError):
            return b""
        except BaseError:
            raise Overloaded(AWAY, retry_after=5) from None

    async def delete(self, name: str) -> None:
        """It may be gone already."""
        try:
            await obstore.delete_async(self._store, name)
        except (Missing, FileNotFoundError):
            return
        except BaseError:
            raise Overloaded(AWAY, retry_after=5) from None


def open_objects(url: str, key: str, secret: str) -> Objects | None:
    """None without an address. Without a key the usual variables and roles of the machine hold. Raise Setup."""
    if not url:
        return None
    parts = urlsplit(url)
    given = dict(parse_qsl(parts.query))
    if parts.scheme != "s3" or not parts.netloc or set(given) - set(OPTIONS):
        raise Setup(FORM)
    config: Any = {"region": given.get("region", "us-east-1")}
    if endpoint := given.get("endpoint"):
        config["endpoint"] = endpoint
    if key:
        config |= {"access_key_id": key, "secret_access_key": secret}
    plain = given.get("endpoint", "").startswith("http://")
    try:
        store = S3Store(
            parts.netloc, prefix=parts.path.strip("/") or None, config=config,
            client_options={"allow_http": plain, "timeout": "30s", "connect_timeout": "3s"},
            retry_config={"max_retries": 2, "retry_timeout": timedelta(seconds=10)},
        )
    except BaseError:
        raise Setup(FORM) from None
    return Objects(store)
