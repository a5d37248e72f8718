"""Documents."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field, model_validator

from hub.api.aresgen.schemas.kinds import Cursor, DocumentId, Time, VersionId, VoiceId
from hub.pydantic_base import Snake
from hub.store.studio_documents import Writing
from hub.studio.aresgen.commands import Order
from hub.studio.aresgen.documents import LONGEST

Json = dict[str, Any]
Title = Annotated[str, Field(min_length=1, max_length=300)]
Content = Annotated[str, Field(max_length=LONGEST)]
Model = Annotated[str, Field(min_length=1, max_length=200, description="Gateway id, gateway slug or model name.")]


class DocumentIn(Snake):
    title: Annotated[Title | None, Field(description="By default the first line of the content.")] = None
    content: Content = ""
    voice_id: VoiceId | None = None
    model: Model | None = None


class DocumentEdit(Snake):
    """Only what changes; null takes voice and model away."""

    title: Title | None = None
    content: Content | None = None
    voice_id: VoiceId | None = None
    model: Model | None = None
    base_revision: Annotated[int | None, Field(ge=0, description="With an old one the change is refused: 409.")] = None

    def given(self) -> Json:
        found = self.model_dump(exclude_unset=True, exclude={"base_revision"})
        return {k: v for k, v in found.items() if v is not None or k in ("voice_id", "model")}


class DocumentQuery(Cursor):
    status: Literal["draft", "published"] | None = None


class DocumentLine(Snake):
    id: DocumentId
    title: str
    voice_id: VoiceId | None
    model: str | None
    version: Annotated[int, Field(description="Of the newest entry of the history.")]
    revision: Annotated[int, Field(description="Counts every accepted change.")]
    status: Literal["draft", "published"]
    published_at: Time | None
    published_version: int | None
    created_at: Time
    updated_at: Time

    @classmethod
    def fields(cls, w: Writing) -> Json:
        return {name: getattr(w, name) for name in DocumentLine.model_fields}


class DocumentOut(DocumentLine):
    content: str

    @classmethod
    def of(cls, w: Writing) -> "DocumentOut":
        return cls(**cls.fields(w), content=w.content)


class Token(Snake):
    edit_token: Annotated[str, Field(description="Opens `/v1/documents/{id}/live`; it is shown this once.")]
    edit_token_expires_at: Time
    live_url: str


class DocumentGrant(DocumentOut, Token):
    pass


class Selection(Snake):
    """A piece of the content, in characters."""

    from_: Annotated[int, Field(alias="from", ge=0)]
    to: Annotated[int, Field(ge=1)]


class CommandIn(Snake):
    command: Literal["outline", "expand", "summarize", "rewrite", "cite", "translate"]
    selection: Annotated[
        Selection | Annotated[str, Field(min_length=1, max_length=LONGEST)] | None,
        Field(description="By place, or by its words; without one the whole content."),
    ] = None
    instructions: Annotated[str | None, Field(max_length=20_000)] = None
    target_language: Annotated[str | None, Field(min_length=2, max_length=60, pattern=r"^[\w ()-]+$")] = None
    voice_id: VoiceId | None = None
    knowledge_base_id: Annotated[UUID | None, Field(description="For cite: a collection; by default all.")] = None
    model: Model | None = None
    apply: Annotated[
        bool | None, Field(description="Whether the output takes the place of the text; by default of all but"
                                       " outline and summarize.")
    ] = None

    def order(self, key: UUID) -> Order:
        at = self.selection
        return Order(
            command=self.command, selection=(at.from_, at.to) if isinstance(at, Selection) else at,
            instructions=self.instructions, target_language=self.target_language, voice_id=self.voice_id,
            knowledge_base_id=self.knowledge_base_id, model=self.model, apply=self.apply, key=key,
        )

    @model_validator(mode="after")
    def _only_cite(self) -> "CommandIn":
        if self.knowledge_base_id is not None and self.command != "cite":
            raise ValueError("knowledge_base_id is only for the command cite")
        return self


class CommandOut(Snake):
    command: str
    output: str
    version: int
    revision: int
    cost_usd: float


class VersionOut(Snake):
    id: VersionId
    version: int
    title: str
    content: str
    author: Annotated[str, Field(description="api, command, or a live editor's name.")]
    command: str | None
    output: Annotated[str | None, Field(description="What the command gave.")]
    created_at: Time
    updated_at: Time


class LiveQuery(Snake):
    token: Annotated[str, Field(min_length=1, max_length=200)]
