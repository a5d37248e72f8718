"""Accounts and API keys."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field, field_validator

from hub.accounts.value_types import Name
from hub.domain import Account
from hub.pydantic_base import Camel

Json = dict[str, Any]


class AccountParameters(Camel):
    allow_conversations_logging: bool = False
    automatic_json_healing: bool = False


class AccountEdit(Camel):
    name: Name | None = None
    parameters: AccountParameters = AccountParameters()


class AccountOut(Camel):
    id: UUID
    name: str
    parameters: AccountParameters
    plan: str
    balance: float

    @classmethod
    def of(cls, account: Account) -> "AccountOut":
        return cls(
            id=account.id, name=account.name, parameters=AccountParameters.model_validate(account.parameters),
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
        return cls(
            id=row["id"], expires_at=row["expires_at"], used_at=row["used_at"], label=row["label"],
            key=f"...{row['tail']}", type=row["kind"], role=row["role"],
        )


class KeyList(Camel):
    api_keys: list[KeyOut]
    salt: str
