"""Speech, recordings, images, judgements and orders: OpenAI's doors over the services that the hub has."""

import asyncio
import base64
import time
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from hub import ids
from hub.accounts.balance import paying
from hub.api.http.app_keys import DIRECTORY, HUB, caller
from hub.api.http.endpoint import endpoint
from hub.api.http.uploads import form
from hub.api.openai.limits import limit
from hub.chat.website import speech
from hub.domain import Caller, Gateway, Json
from hub.engine import media, moderation
from hub.engine.media import NOT_CONFIGURED, Recording
from hub.errors import BadRequest, Invalid, NotFound, Unavailable
from hub.knowledge import rerank
from hub.llm.embedder import MODEL
from hub.llm.helper import Helper, configured, helper
from hub.runtime import Hub
from hub.studio.characters import images as pictures
from hub.tools.builtin.common import Options

TAG = "Inference"
SPOKEN = 4096  # characters
RECORDING = 25 << 20
HEARD = ("json", "text", "srt", "verbose_json", "vtt")
FIELDS = ("language", "prompt", "temperature", "timestamp_granularities[]")
VOICES: Mapping[str, str] = {"eleven_multilingual_v2": "ElevenMultilingualV2", "eleven_v3": "ElevenV3"}
OPENAI_VOICE = "Gpt4oTts"
SHAPES: Mapping[str, str] = {
    "auto": "square", "1024x1024": "square", "1536x1024": "landscape", "1792x1024": "landscape",
    "1024x1536": "portrait", "1024x1792": "portrait",
}
QUALITIES: Mapping[str, Literal["Low", "Medium", "High"]] = {
    "auto": "Medium", "standard": "Medium", "low": "Low", "medium": "Medium", "high": "High", "hd": "High",
}
JUDGED, ORDERED, LONGEST = 32, 1000, 100_000
WORDS = "words"  # what is named as the model where words alone ordered
# Models of OpenAI's that mean whatever judges here.
MODERATIONS = ("omni-moderation", "text-moderation")
FLAGGED = 5  # of 10
# What the safeguard looks for, by OpenAI's names where those are as wide.
NAMES: Mapping[str, str] = {
    "violence": "violence", "sexual": "sexual", "dangerous": "illicit", "political": "political",
    "jailbreak": "jailbreak",
}
UNLOOKED = (
    "harassment", "harassment/threatening", "hate", "hate/threatening", "illicit/violent", "self-harm",
    "self-harm/instructions", "self-harm/intent", "sexual/minors", "violence/graphic",
)


class Strict(BaseModel):
    """A field that the hub cannot act on is refused by its name."""

    model_config = ConfigDict(extra="allow")

    def check(self, same: Mapping[str, tuple[Any, ...]]) -> None:
        """Raise Invalid for a field that is none; same: what leaves everything as it is."""
        for name, value in (self.__pydantic_extra__ or {}).items():
            if value is not None and value not in same.get(name, ()):
                raise Invalid(
                    f"{name} is nothing that this server can act on; leave it out.", field=name, code="unknown_field"
                )


class SpeechIn(Strict):
    """`model`: `eleven_multilingual_v2`, `eleven_v3`, or any other name for the service of HUB_SPEECH_URL."""

    model: Annotated[str, Field(min_length=1, max_length=200)]
    input: Annotated[str, Field(min_length=1, max_length=SPOKEN)]
    voice: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    instructions: Annotated[str, Field(max_length=SPOKEN)] | None = None
    response_format: Literal["mp3", "opus", "aac", "flac", "wav", "pcm"] | None = None
    speed: Annotated[float, Field(ge=0.25, le=4)] | None = None


class ImagesIn(Strict):
    """`url`: an address of this server, in place of the image itself."""

    prompt: Annotated[str, Field(min_length=1, max_length=32_000)]
    model: Annotated[str, Field(max_length=200)] | None = None
    n: Annotated[int, Field(ge=1, le=4)] | None = None
    size: str | None = None
    quality: str | None = None
    moderation: Literal["auto", "low"] | None = None
    response_format: Literal["url", "b64_json"] | None = None


class ImageOut(BaseModel):
    url: str | None = None
    b64_json: str | None = None


class ImagesOut(BaseModel):
    created: int
    data: list[ImageOut]


class ModerationIn(Strict):
    """`model`: an AI gateway whose model judges; else HUB_HELPER_MODEL does."""

    input: str | Annotated[list[Any], Field(min_length=1, max_length=JUDGED)]
    model: Annotated[str, Field(max_length=200)] | None = None

    def texts(self) -> list[str]:
        """Raise Invalid."""
        given: list[Any] = [self.input] if isinstance(self.input, str) else self.input
        if all(isinstance(one, dict) for one in given):
            for n, part in enumerate(given):
                if part.get("type") != "text":
                    raise Invalid(f"input.{n}: only text can be judged here.", field=f"input.{n}.type")
            given = ["\n".join(str(p.get("text") or "") for p in given)]
        if any(not isinstance(t, str) or len(t) > LONGEST for t in given):
            raise Invalid(f"input takes texts of at most {LONGEST:,} characters.", field="input")
        return [str(t) for t in given]


class Judgement(BaseModel):
    flagged: bool
    categories: dict[str, bool]
    category_scores: dict[str, float]
    category_applied_input_types: dict[str, list[str]]


class ModerationOut(BaseModel):
    """Categories that were not looked for have no `category_applied_input_types`."""

    id: str
    model: str
    results: list[Judgement]


class RerankIn(Strict):
    """`model`: `@hub/e5-small`, or an AI gateway whose model orders up to 20 documents."""

    query: Annotated[str, Field(min_length=1, max_length=4000)]
    documents: Annotated[list[str | Json], Field(min_length=1, max_length=ORDERED)]
    model: Annotated[str, Field(max_length=200)] = MODEL
    top_n: Annotated[int, Field(ge=1)] | None = None
    return_documents: bool | None = None


class Ranked(BaseModel):
    index: int
    relevance_score: float
    document: Json | None = None


class RerankOut(BaseModel):
    """`model`: what ordered; `words` where the embedder does not answer and words alone did."""

    id: str
    model: str
    results: list[Ranked]


@endpoint(tag=TAG, produces="audio/mpeg", errors=(402, 422, 429, 502))
async def speak(request: web.Request, body: SpeechIn) -> web.StreamResponse:
    """Turn text into speech."""
    body.check({"stream_format": ("audio",)})
    await limit(request, caller(request))
    source = VOICES.get(body.model, OPENAI_VOICE)
    if source != OPENAI_VOICE:
        for name, value, usual in (("response_format", body.response_format, "mp3"), ("speed", body.speed, 1)):
            if value not in (None, usual):
                raise Invalid(f"{name} of this voice can only be {usual}.", field=name)
    parameters = {
        "audioSynthesisSource": source, "audioSynthesisVoice": body.voice,
        "audioSynthesisInstruction": body.instructions, "format": body.response_format, "speed": body.speed,
    }
    made = await speech.read_aloud(request.app[HUB], caller(request), parameters, body.input)
    return web.Response(body=made.content, content_type=made.mime)


@endpoint(tag=TAG, consumes="multipart/form-data", field="file", errors=(402, 413, 422, 429, 502))
async def transcribe(request: web.Request) -> web.StreamResponse:
    """Write down what is said in a recording.

    Multipart field `file`, at most 25 MB; beside it `model` (an AI gateway whose model hears; any other name means the
    server's own), `language`, `prompt`, `temperature`, `response_format` and `timestamp_granularities[]`.
    """
    hub, who = request.app[HUB], caller(request)
    await limit(request, who)
    if not request.content_type.startswith("multipart/"):
        raise BadRequest("Send the recording as multipart/form-data, field `file`.", field="file")
    sent = await form(request, 1, RECORDING, RECORDING)
    if not sent.files:
        raise BadRequest("file is missing; send the recording in this multipart field.", field="file")
    for name, value in sent.fields.items():
        if name not in (*FIELDS, "model", "response_format") and not (name == "stream" and value.lower() == "false"):
            raise Invalid(
                f"{name[:80]} is nothing that this server can act on; leave it out.", field=name[:80],
                code="unknown_field",
            )
    kind = sent.fields.get("response_format") or "json"
    if kind not in HEARD:
        raise Invalid(f"response_format must be one of {', '.join(HEARD)}.", field="response_format")
    gateway = await _gateway(request, who, sent.fields.get("model"))
    file = sent.files[0]
    fields = {n: sent.fields[n] for n in FIELDS if n in sent.fields}
    heard = await media.hear(hub, who, Recording(file.name, file.mime, file.content, kind, fields), gateway)
    return web.Response(body=heard.body, content_type=heard.mime)


@endpoint(tag=TAG, errors=(402, 422, 429, 502), seconds=30)
async def draw(request: web.Request, body: ImagesIn) -> ImagesOut:
    """Make images."""
    body.check({
        "output_format": ("png",), "background": ("auto",), "stream": (False,), "user": (), "style": ("vivid",),
    })
    hub, who = request.app[HUB], caller(request)
    await limit(request, who)
    size, quality = body.size or "auto", body.quality or "auto"
    if size not in SHAPES:
        raise Invalid(f"size must be one of {', '.join(SHAPES)}.", field="size")
    if quality not in QUALITIES:
        raise Invalid(f"quality must be one of {', '.join(QUALITIES)}.", field="quality")
    options = Options(image_quality=QUALITIES[quality], image_mature=body.moderation == "low")
    model = body.model or hub.settings.image_model
    made = await media.draw(
        hub, who, body.prompt, model=model, count=body.n or 1, shape=SHAPES[size], options=options
    )
    data = []
    for one in made:
        if body.response_format == "url":
            picture = pictures.Picture(model, one)
            _, token = await pictures.keep(hub.db, who.account_id, picture, ids.named("img", ids.uuid7()))
            data.append(ImageOut(url=pictures.address(hub, token)))
        else:
            data.append(ImageOut(b64_json=base64.b64encode(one).decode()))
    return ImagesOut(created=int(time.time()), data=data)


@endpoint(tag=TAG, limit=8 << 20, errors=(402, 404, 413, 422, 429, 502))
async def moderate(request: web.Request, body: ModerationIn) -> ModerationOut:
    """Judge texts.

    By the safeguard that gateways with `moderationParameters` have: violence, sexual, illicit, political, jailbreak.
    """
    body.check({})
    hub, who, texts = request.app[HUB], caller(request), body.texts()
    named = None if (body.model or MODERATIONS[0]).startswith(MODERATIONS) else body.model
    gateway = await _gateway(request, who, named, must=True)
    judge = _judge(hub, who, gateway)
    for _ in texts:
        await limit(request, who)
    await paying(hub, who.account_id)
    deadline, few = time.monotonic() + media.HEARING, asyncio.Semaphore(4)

    async def one(text: str) -> dict[str, int]:
        async with few:
            return await moderation.judged(judge, text, deadline)

    try:
        found = await asyncio.gather(*(one(t) for t in texts))
    finally:
        own = gateway.id if gateway is not None and gateway.slug else None
        await hub.meter.add(who.account_id, judge.rows, key=who.key_id, gateway=own)
    return ModerationOut(
        id=f"modr-{ids.uuid7().hex}", model=body.model or judge.model, results=[_judgement(scores) for scores in found]
    )


def _judge(hub: Hub, who: Caller, gateway: Gateway | None) -> Helper:
    name = hub.settings.helper_model
    found = helper(hub.models, "", gateway) if gateway is not None else configured(hub.models, name, who.account_id)
    if found is None:
        raise Unavailable(
            "Moderation is not configured on this server (HUB_HELPER_MODEL); or name an AI gateway as model.",
            code=NOT_CONFIGURED,
        )
    return found


def _judgement(scores: Mapping[str, int]) -> Judgement:
    found = {NAMES[name]: score for name, score in scores.items()}
    every = {**dict.fromkeys(UNLOOKED, 0), **found}
    return Judgement(
        flagged=any(s >= FLAGGED for s in found.values()), categories={n: s >= FLAGGED for n, s in every.items()},
        category_scores={n: s / 10 for n, s in every.items()},
        category_applied_input_types={n: ["text"] if n in found else [] for n in every},
    )


@endpoint(tag=TAG, limit=8 << 20, seconds=30, errors=(402, 404, 413, 422, 429, 502))
async def rank(request: web.Request, body: RerankIn) -> RerankOut:
    """Order documents by how well they answer a question."""
    body.check({"max_chunks_per_doc": (), "max_tokens_per_doc": (), "truncation": (True,)})
    hub, who, texts = request.app[HUB], caller(request), _texts(body)
    await limit(request, who)
    gateway = None if body.model == MODEL else await _gateway(request, who, body.model, must=True)
    by_words = False
    if gateway is None:
        scored = await rerank.scored(hub.embedder, who.account_id, body.query, texts)
        by_words = scored is None
        scores = await asyncio.to_thread(rerank.worded, body.query, texts) if scored is None else scored
        order = sorted(range(len(texts)), key=lambda n: (-scores[n], n))
    else:
        order = await _by_model(hub, who, gateway, body.query, texts)
        scores = [1 - order.index(n) / len(order) for n in range(len(texts))]
    shown = [
        Ranked(
            index=n, relevance_score=round(scores[n], 6), document={"text": texts[n]} if body.return_documents else None
        )
        for n in order[: body.top_n or len(order)]
    ]
    return RerankOut(id=f"rerank-{ids.uuid7().hex}", model=WORDS if by_words else body.model, results=shown)


async def _by_model(hub: Hub, who: Caller, gateway: Gateway, question: str, texts: list[str]) -> list[int]:
    if len(texts) > rerank.LOOKED_AT:
        raise Invalid(f"A model orders at most {rerank.LOOKED_AT} documents; use {MODEL}.", field="documents")
    await paying(hub, who.account_id)
    found = helper(hub.models, "", gateway)
    if found is None:
        raise Invalid("The model of this gateway only quotes; use another one.", field="model")
    order = await rerank.by_model(found, [question], texts)
    await hub.meter.add(who.account_id, found.rows, key=who.key_id, gateway=gateway.id if gateway.slug else None)
    return order or list(range(len(texts)))


def _texts(body: RerankIn) -> list[str]:
    found = [d if isinstance(d, str) else d.get("text") for d in body.documents]
    for n, text in enumerate(found):
        if not isinstance(text, str) or not 0 < len(text) <= LONGEST:
            raise Invalid(f"documents.{n} must be a text of 1 to {LONGEST:,} characters.", field=f"documents.{n}")
    if sum(len(str(t)) for t in found) > 4_000_000:
        raise Invalid("documents have more than 4,000,000 characters in all; send less at a time.", field="documents")
    return [str(t) for t in found]


async def _gateway(request: web.Request, who: Caller, name: str | None, must: bool = False) -> Gateway | None:
    """The gateway or model of a name; None for a name that means none. Raise NotFound where it `must`."""
    if not name:
        return None
    try:
        return (await request.app[DIRECTORY].find(who.account_id, name)).gateway
    except NotFound:
        if must:
            raise
        return None
