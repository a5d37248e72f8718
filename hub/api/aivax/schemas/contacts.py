"""Contacts: people, however they are written to."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field, model_validator

from hub.accounts.contacts import Whole
from hub.api.http.pagination import Page
from hub.pydantic_base import Camel
from hub.tools.schedule.targets import TARGETS

Json = dict[str, Any]


class ContactQuery(Page):
    filter: Annotated[
        str, Field(max_length=200, description="Part of a name or identity, or a phone however it is written.")
    ] = ""


class Identity(Camel):
    """kind: phone, lid, bsuid (WhatsApp), tg (Telegram), or user: an external user id, as of web visitors."""

    kind: str
    value: str
    contact_id: Annotated[UUID, Field(description="The id it came with, before any join.")]
    evidence: Annotated[str, Field(description="message, session, user, outreach or operator")]
    seen_at: datetime

    @classmethod
    def of(cls, r: Json) -> "Identity":
        kind, _, value = r["value"].partition(":")
        return cls(kind=kind, value=value, contact_id=r["person"], evidence=r["source"], seen_at=r["at"])


class ContactLine(Camel):
    """id never changes; after a join the older one stands for both, and the other still leads here."""

    id: UUID
    name: str | None
    identities: list[Identity]
    time_zone: str | None
    opted_out_at: datetime | None
    opted_out_by: str | None
    conversation_count: int
    last_message_at: datetime | None
    created_at: datetime

    @staticmethod
    def values(r: Json) -> Json:
        return {
            "id": r["id"], "name": r["name"], "identities": [Identity.of(n) for n in r["names"]],
            "time_zone": r["zone"], "opted_out_at": r["opted_out_at"], "opted_out_by": r["opted_out_by"],
            "conversation_count": r["count"], "last_message_at": r["last_at"], "created_at": r["created_at"],
        }


class JoinOut(Camel):
    """Why two ids are one contact: what was seen (message, session, code) or who said so (operator)."""

    id: UUID
    contact_ids: list[UUID]
    evidence: str
    detail: Json
    by: str
    at: datetime
    split_at: datetime | None
    split_by: str | None

    @classmethod
    def of(cls, r: Json) -> "JoinOut":
        return cls(contact_ids=[r["a_id"], r["b_id"]], **{n: r[n] for n in cls.model_fields if n != "contact_ids"})


class Conversation(Camel):
    """continuesIn: the conversation that goes on with the context of this one."""

    session_id: UUID
    web_chat_id: UUID
    target: str
    external_user_id: str | None
    title: str | None
    message_count: int
    last_message_at: datetime | None
    ended: bool
    handoff: bool
    continues_in: UUID | None

    @classmethod
    def of(cls, r: Json) -> "Conversation":
        return cls(
            session_id=r["id"], web_chat_id=r["client_id"], target=TARGETS[r["channel"]], external_user_id=r["tag"],
            title=r["title"], message_count=r["message_count"], last_message_at=r["last_message_at"], ended=r["ended"],
            handoff=r["handoff"], continues_in=r["joined_into"],
        )


class Consent(Camel):
    """state: out or in. by: who said so; words: theirs, where they were said in a message."""

    state: str
    by: str | None
    words: str | None
    at: datetime


class FirstSeen(Camel):
    """ad: the first advertisement that brought them, as the network told: title, body, url, source (its id), kind,
    click."""

    at: datetime
    target: str
    web_chat_id: UUID | None
    ad: Json | None
    ad_at: datetime | None

    @classmethod
    def of(cls, r: Json | None) -> "FirstSeen | None":
        if r is None:
            return None
        return cls(
            at=r["at"], target=TARGETS[r["channel"]], web_chat_id=r["client_id"], ad=r["ad"], ad_at=r["ad_at"]
        )


class ContactOut(ContactLine):
    opted_out_words: str | None
    consents: Annotated[list[Consent], Field(description="Newest first, the latest fifty.")]
    first_seen: FirstSeen | None
    joins: list[JoinOut]
    conversations: Annotated[list[Conversation], Field(description="The latest hundred, on all networks.")]

    @classmethod
    def of(cls, found: Whole) -> "ContactOut":
        return cls(
            **cls.values(found.person), opted_out_words=found.person["opted_out_words"],
            consents=[Consent(**c) for c in found.consents], first_seen=FirstSeen.of(found.origin),
            joins=[JoinOut.of(j) for j in found.joins], conversations=[Conversation.of(t) for t in found.talks],
        )


class JoinIn(Camel):
    contact_id: Annotated[UUID, Field(description="The other contact.")]
    reason: Annotated[str | None, Field(max_length=500, description="Kept as evidence.")] = None


class SplitIn(Camel):
    """One of both; neither when the contact was joined once."""

    join_id: UUID | None = None
    identity: Annotated[
        str | None, Field(max_length=300, description="`phone:5511999990000`: it is somebody else's after all.")
    ] = None

    @model_validator(mode="after")
    def _one(self) -> "SplitIn":
        if self.join_id is not None and self.identity is not None:
            raise ValueError("give joinId or identity, not both")
        return self


class SplitOut(Camel):
    contact: ContactOut
    other: ContactOut


class PersonQuery(Camel):
    """One of them."""

    external_user_id: Annotated[str | None, Field(min_length=1, max_length=500)] = None
    phone: Annotated[
        str | None, Field(min_length=8, max_length=30, description="With the country code, however it is written.")
    ] = None
    email: Annotated[
        str | None, Field(min_length=3, max_length=250, description="Of an external user id or a user of ARES.")
    ] = None

    @model_validator(mode="after")
    def _one(self) -> "PersonQuery":
        if sum(v is not None for v in (self.external_user_id, self.phone, self.email)) != 1:
            raise ValueError("give one of externalUserId, phone and email")
        return self

    @property
    def named(self) -> dict[str, str | None]:
        return {"user": self.external_user_id, "phone": self.phone, "email": self.email}


class ErasedOut(Camel):
    """How much of each kind there was. answers: kept for requests with an Idempotency-Key."""

    contacts: int
    conversations: int
    messages: int
    files: int
    memories: int
    schedules: int
    activations: int
    logs: int
    quarantine: int
    answers: int
    workspaces: int
    users: Annotated[int, Field(description="Users of ARES with the person's e-mail address.")]

    @classmethod
    def of(cls, done: Json) -> "ErasedOut":
        return cls(**{name: done[name] for name in cls.model_fields})
