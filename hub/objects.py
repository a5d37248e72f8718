"""S3-compatible storage for the contents of files, where one is set up; PostgreSQL keeps everything else."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from hub.errors import Overloaded, Setup
from hub.later import later

if TYPE_CHECKING:
    import obstore
    from obstore import exceptions
    from obstore import store as stores
else:
    obstore = later("obstore")
    exceptions = later("obstore.exceptions")
    stores = later("obstore.store")

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
        except exceptions.BaseError:
            raise Overloaded(AWAY, retry_after=5) from None

    async def get(self, name: str, start: int, end: int) -> bytes:
        """Bytes from `start` up to before `end`; none where there is no such object (any more)."""
        try:
            return bytes(await obstore.get_range_async(self._store, name, start=start, end=end))
        except (exceptions.NotFoundError, FileNotFoundError):
            return b""
        except exceptions.BaseError:
            raise Overloaded(AWAY, retry_after=5) from None

    async def delete(self, name: str) -> None:
        """It may be gone already."""
        try:
            await obstore.delete_async(self._store, name)
        except (exceptions.NotFoundError, FileNotFoundError):
            return
        except exceptions.BaseError:
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
        store = stores.S3Store(
            parts.netloc, prefix=parts.path.strip("/") or None, config=config,
            client_options={"allow_http": plain, "timeout": "30s", "connect_timeout": "3s"},
            retry_config={"max_retries": 2, "retry_timeout": timedelta(seconds=10)},
        )
    except exceptions.BaseError:
        raise Setup(FORM) from None
    return Objects(store)
