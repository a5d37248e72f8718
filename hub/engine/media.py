"""Pictures and recordings for programs, by the services that the operator has set up."""

import base64
import time
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID

import orjson
from aiohttp import FormData
from aiohttp.payload import Payload

from hub.accounts.balance import paying
from hub.accounts.gateways import gateway_of
from hub.accounts.model_lookup import integrated
from hub.domain import Caller, Gateway, Json
from hub.engine.multimodal import GUARD, TASKS
from hub.errors import Invalid, Unavailable, Unsupported, Upstream
from hub.guarded_http import Outbound
from hub.knowledge.extract import sees
from hub.knowledge.files import Ways
from hub.llm.addresses import endpoint, joined_headers, key_headers
from hub.llm.extractive import MODEL as OFFLINE
from hub.llm.helper import Helper, HelperTask, configured
from hub.runtime import Hub
from hub.store import gateways
from hub.tools.base import Context, ToolFailed
from hub.tools.builtin.common import Options
from hub.tools.builtin.painting import SECONDS, Indecent, Wanted, billed, paint

HEARING, ANSWER = 300.0, 5_000_000
TOKENS = 8000
NOT_CONFIGURED = "not_configured"


async def draw(
    hub: Hub, who: Caller, prompt: str, *, model: str, count: int, shape: str, options: Options
) -> list[bytes]:
    """Draw and charge. Raise Unavailable where there is no service, PaymentRequired, Invalid for what it will not draw,
    Upstream when it fails."""
    if not hub.settings.image_url:
        raise Unavailable("Images are not configured on this server (HUB_IMAGE_URL).", code=NOT_CONFIGURED)
    await paying(hub, who.account_id)
    context = Context(
        hub=hub, account_id=who.account_id, gateway=integrated(who.account_id, OFFLINE),
        deadline=time.monotonic() + SECONDS,
    )
    try:
        found = await paint(context, Wanted(options, model, prompt, count, shape, ()))
    except Indecent as e:
        raise Invalid(str(e), field="prompt", code="content_policy_violation") from None
    except ToolFailed as e:
        raise Upstream(str(e)) from None
    await hub.meter.add(who.account_id, [billed(model, len(found), hub.settings.image_price)], key=who.key_id)
    return found


@dataclass(frozen=True, slots=True)
class Recording:
    """fields: of the request, for a service that knows them. seconds: how long whoever hears it may take."""

    name: str
    mime: str
    content: bytes
    form: str
    fields: Json
    seconds: float = HEARING


@dataclass(frozen=True, slots=True)
class Heard:
    mime: str
    body: bytes


async def hear(hub: Hub, who: Caller, one: Recording, gateway: Gateway | None) -> Heard:
    """What is said in a recording, and charge. gateway: whose provider (`transcriptionModel`) or model hears it; None:
    the service of the settings, else the helper model. Raise Unavailable without any, PaymentRequired, Invalid,
    Upstream."""
    if gateway is not None and gateway.parameters.get("transcriptionModel"):
        return await _by_provider(hub, gateway, one)
    if gateway is None and hub.settings.transcription_url:
        await paying(hub, who.account_id)
        return await _by_service(hub, who.account_id, who.key_id, one)
    helper = _ears(hub, who, gateway)
    if one.form not in ("json", "text"):
        raise Invalid(
            f"response_format {one.form} needs the service of HUB_TRANSCRIPTION_URL; ask for json or text.",
            field="response_format",
        )
    await paying(hub, who.account_id)
    kind = "mp3" if "mpeg" in one.mime or one.name.endswith(".mp3") else "wav"
    audio = {"data": base64.b64encode(one.content).decode(), "format": kind}
    part: Json = {"type": "input_audio", "input_audio": audio}
    asked: list[Json] = [{"type": "text", "text": TASKS["Audio"]}, part]
    about = "".join(f"\n{name}: {one.fields[name]}" for name in ("language", "prompt") if one.fields.get(name))
    task = HelperTask(
        asked, "inference.transcription", "Inference for transcription", TASKS["Audio"] + GUARD + about, tokens=TOKENS
    )
    text = await helper.ask(task, time.monotonic() + HEARING)
    own = gateway.id if gateway is not None and gateway.slug else None
    await hub.meter.add(who.account_id, helper.rows, key=who.key_id, gateway=own)
    if one.form == "text":
        return Heard("text/plain", text.encode() + b"\n")
    return Heard("application/json", orjson.dumps({"text": text}))


def _ears(hub: Hub, who: Caller, gateway: Gateway | None) -> Helper:
    """A model that hears. Raise Unavailable."""
    if gateway is not None:
        return Helper(hub.models, gateway, str(gateway.parameters["modelName"]))
    found = configured(hub.models, hub.settings.helper_model, who.account_id)
    entry = hub.models.entry(found.gateway, found.model) if found else None
    if found is None or entry is None or "audio" not in entry.modes:
        raise Unavailable(
            "Transcriptions are not configured on this server (HUB_TRANSCRIPTION_URL, or a HUB_HELPER_MODEL that "
            "hears); or name an AI gateway whose model does.", code=NOT_CONFIGURED,
        )
    return found


def hears(hub: Hub, gateway: Gateway) -> bool:
    """Whether voice messages to a gateway are written down by somebody who does nothing else."""
    return bool(gateway.parameters.get("transcriptionModel") or hub.settings.transcription_url)


async def written(hub: Hub, gateway: Gateway, one: Recording) -> str:
    """A voice message as text: by the gateway's provider, else by the service, charged. Raise Invalid, Upstream."""
    return str((await _said(hub, gateway.account_id, gateway, one))["text"]).strip()


async def hears_files(hub: Hub, account: UUID, collection: UUID) -> Gateway | None:
    """Who writes down the recordings of a collection: the provider of a gateway that searches it; None: the service of
    the settings. Raise Unsupported without either."""
    row = await gateways.hearing(hub.db, account, collection)
    if row is not None:
        return gateway_of(row, hub.sealer)
    if not hub.settings.transcription_url:
        raise Unsupported(
            "Recordings need somebody who hears: an AI gateway with `transcriptionModel` that searches this "
            "collection, or HUB_TRANSCRIPTION_URL."
        )
    return None


def readers(hub: Hub, helper: Helper | None, account: UUID, collection: UUID) -> Ways:
    """Who reads the files of a collection."""
    return Ways(hub.children, helper, hub.settings.ocr and sees(), lambda: hears_files(hub, account, collection))


async def said_in(
    hub: Hub, account: UUID, gateway: Gateway | None, name: str, mime: str, raw: bytes, seconds: float
) -> Json:
    """What is said in a file, charged: `text`, and `segments` with their times from a service that tells them. Raise
    PaymentRequired, Invalid, Upstream."""
    if gateway is None:
        await paying(hub, account)
    try:
        return await _said(hub, account, gateway, Recording(name, mime, raw, "verbose_json", {}, seconds))
    except Invalid:
        # Some models have no times to tell and refuse the question.
        return await _said(hub, account, gateway, Recording(name, mime, raw, "json", {}, seconds))


async def _said(hub: Hub, account: UUID, gateway: Gateway | None, one: Recording) -> Json:
    if gateway is not None and gateway.parameters.get("transcriptionModel"):
        heard = await _by_provider(hub, gateway, one)
    else:
        heard = await _by_service(hub, account, None, one)
    try:
        found = orjson.loads(heard.body)
        return {**found, "text": found["text"]}
    except (orjson.JSONDecodeError, KeyError, TypeError):
        raise Upstream("The transcription service gave no text.") from None


async def _by_provider(hub: Hub, gateway: Gateway, one: Recording) -> Heard:
    """With the gateway's own key, at its own address and nowhere else."""
    parameters = gateway.parameters
    parts = urlsplit(endpoint(str(parameters["baseAddress"])))
    url = urlunsplit(parts._replace(path=parts.path.removesuffix("/chat/completions") + "/audio/transcriptions"))
    own = {str(k): str(v) for k, v in (parameters.get("providerHeaders") or {}).items()}
    headers = joined_headers(own, key_headers(url, gateway.api_key))
    return await _told(hub.outbound, url, headers, str(parameters["transcriptionModel"]), one)


async def _by_service(hub: Hub, account: UUID, key_id: UUID | None, one: Recording) -> Heard:
    settings = hub.settings
    key = settings.transcription_key.get_secret_value()
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    url = f"{settings.transcription_url}/audio/transcriptions"
    heard = await _told(hub.trusted, url, headers, settings.transcription_model, one)
    price = settings.transcription_price
    row = {
        "sku": "inference.transcription", "amount": price, "unit_price": price, "quantity": 1,
        "description": f"Transcription by '{settings.transcription_model}'",
    }
    await hub.meter.add(account, [row], key=key_id)
    return heard


async def _told(client: Outbound, url: str, headers: Mapping[str, str], model: str, one: Recording) -> Heard:
    given = {"model": model, "response_format": one.form}
    form = FormData([(n, v) for n, v in one.fields.items() if v] + list(given.items()))
    form.add_field("file", one.content, filename=one.name, content_type=one.mime)
    body = form()
    assert isinstance(body, Payload)
    reply = await client.request(
        "POST", url, body=await body.as_bytes(), headers={**headers, "Content-Type": body.content_type},
        seconds=one.seconds, limit=ANSWER,
    )
    if 400 <= reply.status < 500 and reply.status not in (401, 402, 403, 404, 429):
        raise Invalid("The transcription service refused this recording.", field="file")
    if reply.status != 200 or not reply.body:
        raise Upstream("The transcription service gave no text.")
    return Heard(reply.mime or "application/json", reply.body)
