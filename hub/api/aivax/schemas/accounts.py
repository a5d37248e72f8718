"""Accounts and API keys."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field, SerializerFunctionWrapHandler, field_validator, model_serializer, model_validator

from hub.accounts import key_limits, spend
from hub.accounts.key_limits import Limits
from hub.accounts.value_types import Called, origin
from hub.domain import Account
from hub.pydantic_base import SEEN, Camel, Moment

Json = dict[str, Any]


Tags = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=60)]],
    Field(max_length=20, description="Words by which its spend is told apart."),
]
Days = Annotated[int | None, Field(ge=1, le=36_500)]


class RetentionDays(Camel):
    """For how many days each kind of data is kept; what is left out is kept as long as always.

    Looked at once a day. `conversations`: idle ones, and older messages of those that go on; `files` of conversations;
    `logs`: of requests and logged conversations; `events`: told to webhooks, and what happened to messages.
    """

    conversations: Days = None
    files: Days = None
    memories: Days = None
    logs: Days = None
    events: Days = None
    quarantine: Days = None
    outreach: Days = None
    audit: Annotated[int | None, Field(ge=31, le=36_500)] = None


class AccountParameters(Camel):
    """`inferenceSeconds` is the most that any answer of the account may take. `approveToolChanges`: what is new or
    differs in tool lists of MCP servers and function sources waits for approval."""

    allow_conversations_logging: bool = False
    automatic_json_healing: bool = False
    inference_seconds: Annotated[float | None, Field(ge=1, le=3600)] = None
    approve_tool_changes: bool | None = None
    retention_days: RetentionDays | None = None


class ShownParameters(AccountParameters):
    """`inferenceSeconds` and `approveToolChanges` are shown where they are set."""

    @model_serializer(mode="wrap")
    def _set(self, whole: SerializerFunctionWrapHandler) -> Json:
        return {k: v for k, v in whole(self).items() if v is not None}


class AccountEdit(Camel):
    name: Called | None = None
    parameters: AccountParameters = AccountParameters()


class AccountOut(Camel):
    id: UUID
    name: str
    parameters: ShownParameters
    plan: str
    balance: float

    @classmethod
    def of(cls, account: Account) -> "AccountOut":
        return cls(
            id=account.id, name=account.name, parameters=ShownParameters.model_validate(account.parameters),
            plan=account.plan, balance=account.balance,
        )


class KeyIn(Camel):
    label: Annotated[str, Field(min_length=1, max_length=100, pattern=SEEN)]
    duration: Annotated[int, Field(le=2**31 - 1, description="Days until the key expires; negative: never.")]
    type: Annotated[
        Literal["private", "public"], Field(description="Public keys may only run completions.")
    ] = "private"
    role: Annotated[
        Literal["owner", "admin", "member", "viewer"] | None,
        Field(description="viewer: only reads; only owner and admin manage keys. By default that of the key you use."),
    ] = None

    origins: Annotated[
        list[Annotated[str, Field(max_length=300)]],
        Field(max_length=50, description="Of a public key: pages (https://shop.example) that may use it; none: any."),
    ] = []
    models: Annotated[
        list[UUID], Field(max_length=100, description="Of a public key: the gateways it may use; none: all.")
    ] = []

    limits: Annotated[Limits | None, Field(description="Of the key itself; none: it has none.")] = None
    tags: Tags = []
    expires_at: Annotated[Moment | None, Field(description="In place of `duration`: the moment.")] = None

    @field_validator("origins")
    @classmethod
    def _origins(cls, value: list[str]) -> list[str]:
        return [origin(v) for v in value]

    @model_validator(mode="after")
    def _public(self) -> "KeyIn":
        if (self.origins or self.models) and self.type != "public":
            raise ValueError("takes origins and models only for a public key")
        return self

    @field_validator("duration")
    @classmethod
    def _days(cls, value: int) -> int:
        if value == 0:
            raise ValueError("must be at least 1 day, or negative for a key that never expires")
        return value


class KeyEdit(Camel):
    """Only what changes. `limits` are replaced whole: `{}` takes them away. `expiresAt` null: never."""

    label: Annotated[str | None, Field(min_length=1, max_length=100, pattern=SEEN)] = None
    limits: Limits | None = None
    tags: Tags | None = None
    expires_at: Moment | None = None


class KeyGrant(Camel):
    grant_key: Annotated[str, Field(description="The key; it is shown this once.")]


class KeyOut(Camel):
    id: UUID
    expires_at: datetime | None
    used_at: datetime | None
    label: str
    key: Annotated[str, Field(description="The last six characters.")]
    type: str
    role: str

    @classmethod
    def of(cls, row: Json) -> "KeyOut":
        shown = {
            "id": row["id"], "expires_at": row["expires_at"], "used_at": row["used_at"], "label": row["label"],
            "key": f"...{row['tail']}", "type": row["kind"], "role": row["role"],
        }
        more = {"limits": key_limits.shown(row["limits"]), "tags": row["tags"]}
        if row["limits"] or row["tags"]:
            return LimitedKeyOut(**shown, origins=row["origins"], models=row["models"], **more)
        if row["origins"] or row["models"]:
            return PublicKeyOut(**shown, origins=row["origins"], models=row["models"])
        return KeyOut(**shown)


class PublicKeyOut(KeyOut):
    """What a public key is bound to."""

    origins: list[str] = []
    models: list[UUID] = []


class LimitedKeyOut(PublicKeyOut):
    """A key with limits or tags of its own."""

    limits: Limits | None = None
    tags: list[str] = []


class BudgetOut(Camel):
    """ends: when the next period begins; null for the whole life of the key."""

    period: Literal["day", "month", "total"]
    budget: float
    spent: float
    ends: datetime | None


class AlertOut(Camel):
    """threshold: percent of the budget. Told once in each period, to webhooks too (`key.budget.reached`)."""

    period: Literal["day", "month", "total"]
    threshold: int
    spent: float
    budget: float
    at: datetime


class KeyDetail(LimitedKeyOut):
    budgets: list[BudgetOut]
    alerts: list[AlertOut]

    @classmethod
    def whole(cls, row: Json, budgets: list[Json], alerts: list[Json]) -> "KeyDetail":
        known = KeyOut.of(row).model_dump()
        return cls(**known, budgets=[BudgetOut(**b) for b in budgets], alerts=[
            AlertOut(**{n: a[n] for n in AlertOut.model_fields}) for a in alerts
        ])


class SpendQuery(Camel):
    by: Annotated[
        Literal["key", "gateway", "client", "tag", "day"], Field(description="What it is told apart by.")
    ] = "day"
    from_: Annotated[Moment | None, Field(alias="from", description="Without it: thirty days ago.")] = None
    to: Annotated[Moment | None, Field(description="Without it: now.")] = None
    key: UUID | None = None
    tag: Annotated[str | None, Field(max_length=60)] = None
    format: Literal["json", "csv"] = "json"
    limit: Annotated[int, Field(ge=1, le=spend.MOST, description="The most of one answer.")] = spend.MOST
    skip: Annotated[int, Field(ge=0, le=10_000_000, description="As `Link` of the answer before has it.")] = 0


class SpendLine(Camel):
    """id: of the key, gateway or chat client, the tag, or the day (UTC); null: none. amount: dollars. entries: lines of
    usage. By tag, what a key of two tags spends counts for each."""

    id: str | None
    name: str | None
    amount: float
    tokens_in: float
    tokens_cached: float
    tokens_out: float
    entries: int


class KeyList(Camel):
    api_keys: list[LimitedKeyOut | PublicKeyOut | KeyOut]
    salt: str
