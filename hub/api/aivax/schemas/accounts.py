"""Accounts and API keys."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field, SerializerFunctionWrapHandler, field_validator, model_serializer, model_validator

from hub.accounts.value_types import Name, origin
from hub.domain import Account
from hub.pydantic_base import Camel

Json = dict[str, Any]


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
    name: Name | None = None
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
    label: Annotated[str, Field(min_length=1, max_length=100)]
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
        if row["origins"] or row["models"]:
            return PublicKeyOut(**shown, origins=row["origins"], models=row["models"])
        return KeyOut(**shown)


class PublicKeyOut(KeyOut):
    """What a public key is bound to."""

    origins: list[str] = []
    models: list[UUID] = []


class KeyList(Camel):
    api_keys: list[PublicKeyOut | KeyOut]
    salt: str
