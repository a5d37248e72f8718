"""Shapes of collections, documents and the search (A-34, A-43..A-55)."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field, field_validator, model_validator

from hub.knowledge.search import TERMS
from hub.pydantic_base import Camel, Defaults, Snake

Json = dict[str, Any]
IndexState = Literal["Queued", "Cancelled", "Indexed", "Failed"]


MOST = 128


class QueryIn(Defaults):
    """What is looked for.

    `rrf` joins meaning and words, `lexical` orders by words, `none` by meaning; `smart` looks again at the best
    twenty: with the operator's helper model, which costs, or, where none is set, sentence by sentence.
    """

    terms: Annotated[list[Annotated[str, Field(max_length=8000)]], Field(max_length=TERMS)] = []
    term: Annotated[str, Field(max_length=8000, description="One term, instead of `terms`.")] = ""
    collections: Annotated[list[UUID], Field(min_length=1, max_length=100)]
    top: Annotated[int, Field(ge=0, le=MOST, description="0: all, at most 128.")] = 5
    min_score: Annotated[float, Field(ge=0, le=1)] = 0.2
    include_references: bool = False
    reranker: Literal["rrf", "lexical", "smart", "none"] = "rrf"

    @model_validator(mode="after")
    def _asks_something(self) -> "QueryIn":
        if not any(t.strip() for t in self.wanted):
            raise ValueError("terms is empty; send at least one text to look for")
        return self

    @property
    def wanted(self) -> list[str]:
        return [*self.terms, *([self.term] if self.term else [])]


class ReferencedOut(Camel):
    document_id: UUID
    document_content: str


class FoundOut(Camel):
    """`score` is 0..1: 0.4 and more belongs to the question, below 0.2 it is chance."""

    document_id: UUID
    collection_id: UUID
    document_name: str
    document_content: str
    score: float
    metadata: Json
    referenced_documents: list[ReferencedOut]


class CollectionIn(Camel):
    collection_name: str
    context: Annotated[str | None, Field(description="Told to the model whenever the collection is used.")] = None
    tags: Annotated[str | None, Field(description="Comma separated.")] = None


class CollectionEdit(Camel):
    """Only what changes; null clears context and tags."""

    collection_name: str | None = None
    context: str | None = None
    tags: Annotated[str | None, Field(description="Comma separated.")] = None


class CollectionId(Camel):
    collection_id: UUID


class Counts(Camel):
    total: int
    indexed: int
    queued: int
    cancelled: int
    failed: int


class Progress(Camel):
    """How far the documents that wait for the index have come; a document is cut into pieces of some 700 characters."""

    pieces: Annotated[int, Field(description="Of all documents that wait; estimated until a document is cut.")]
    pieces_done: Annotated[int, Field(description="Those of them that can be found already.")]
    pieces_per_second: Annotated[float | None, Field(description="In the last minutes; null: nothing was done.")]
    seconds_left: int | None


class CollectionOut(Camel):
    id: UUID
    name: str
    context: str | None
    created_at: datetime
    updated_at: datetime
    state: Counts
    progress: Progress
    tags: list[str]


class DocumentsQuery(Snake):
    """`filter`: `-t "tag"`, `-r "reference"`, `-c "content"`, `-n "name"`, `-i "id"`, or words to find anywhere."""

    filter: Annotated[str, Field(max_length=1000)] = ""
    order_by: Annotated[str, Field(description="created_at, updated_at or indexed_at with _asc or _desc.")] = ""
    state: Annotated[str, Field(description="queued, indexed, failed or cancelled.")] = ""
    limit: Annotated[int, Field(ge=1, le=1000)] = 1000
    offset: Annotated[int, Field(ge=0, le=10_000_000)] = 0


class DocumentListed(Camel):
    id: UUID
    updated_at: datetime
    name: str
    reference: str | None
    tags: list[str]
    contents_preview: str
    index_state: IndexState


class ImportQuery(Snake):
    insert_mode: Annotated[
        Literal["async", "sync"], Field(alias="insert-mode", description="`sync` indexes before answering.")
    ] = "async"


class LineError(Camel):
    line: int
    error: str


class Imported(Camel):
    """`skipped` lines are unchanged, repeated or invalid; `errors` tells about the first invalid ones."""

    enqueued: int
    skipped: int
    indexed: Annotated[int, Field(description="How many can be found already; with `insert-mode=sync`.")]
    reasons: Annotated[
        dict[str, int],
        Field(description="Skipped lines by reason: unchanged, repeated, json, long, or the name of the wrong field."),
    ]
    errors: list[LineError]


class SourceIn(Camel):
    """A website, or the map of one (sitemap.xml). The same address again: read it again, with these limits."""

    address: Annotated[str, Field(max_length=2000)]
    depth: Annotated[int, Field(ge=0, le=5, description="How many links away from the address pages may be.")] = 2
    pages: Annotated[int, Field(ge=1, le=2000, description="How many pages at most.")] = 200
    refresh_hours: Annotated[float, Field(ge=0, le=8760, description="Read again after; 0: never.")] = 24.0


class SourceId(Camel):
    source_id: UUID


class RefusedOut(Camel):
    url: str
    error: str


class SourceOut(Camel):
    """`found` pages are known, `waiting` are still to be read, `read` are documents, `refused` were not read."""

    id: UUID
    address: str
    kind: Literal["site", "sitemap"]
    depth: int
    pages: int
    refresh_hours: float
    state: Literal["waiting", "fetching", "failed"]
    error: str | None
    created_at: datetime
    read_at: Annotated[datetime | None, Field(description="When it was last read to its end.")]
    next_at: datetime | None
    found: int
    waiting: int
    read: int
    refused: int


class SourceDetails(SourceOut):
    not_read: Annotated[list[RefusedOut], Field(description="The first fifty pages that were not read, and why.")]


class DocumentIn(Camel):
    contents: str
    name: str
    reference: str | None = None
    tags: list[str] | None = None
    metadata: Json | None = None

    @field_validator("tags", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        return value.split(",") if isinstance(value, str) else value


class DocumentSaved(Camel):
    document_id: UUID
    state: Literal["Created", "Modified", "Unchanged"]


class FiledOut(Camel):
    """What became of a file: a document, or an error that says why it could not be read."""

    name: str
    document_id: UUID | None
    state: Literal["Created", "Modified", "Unchanged"] | None
    character_count: int
    error: str | None
    notes: Annotated[list[str], Field(description="What was not read of the file, and why.")]


class FilesOut(Camel):
    files: list[FiledOut]


class DocumentOut(Camel):
    id: UUID
    name: str
    state: IndexState
    error: Annotated[str | None, Field(description="Why the document could not be indexed.")]
    contents: str
    reference: str | None
    tags: list[str]
    created_at: datetime
    updated_at: datetime
    indexed_at: datetime | None
    character_count: int
    word_count: int
    approximate_token_count: int
    metadata: Json
    pieces: Annotated[int | None, Field(description="Parts the text is indexed in; null until it is cut.")]
    pieces_done: Annotated[int, Field(description="How many of them can be found already.")]
    notes: Annotated[list[str], Field(description="What its file held that was not read, and why.")]
