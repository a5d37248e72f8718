"""Integrations. Secrets go in whole and come out masked; a mask that comes back keeps the secret."""

import re
from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, create_model, model_validator

from channels.base import Described
from hub.accounts.value_types import MASK, Address, mask
from hub.chat.clients.integrations import Given, Seen
from hub.chat.clients.networks import OTHERS, SECRETS, TYPES
from hub.chat.timespan import TimeSpan, seconds, text
from hub.errors import Invalid
from hub.pydantic_base import Camel

Json = dict[str, Any]
Value = Annotated[str, Field(min_length=1, max_length=2000)]
Secret = Annotated[str, Field(min_length=1, max_length=2000, description="Secret: comes back masked.")]
_SNAKE = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
FIELDS = {
    "zapi": "zapi_integration", "telegram": "telegram_integration", "evolution": "evolution_integration",
    "kapso": "kapso_integration",
    **{n: f"{_SNAKE.sub('_', one.kind).lower()}_integration" for n, one in OTHERS.items()},
}
SHORTEST = 60
EDITABLE = ("telegram", "zapi", "evolution")
DRAFTABLE = ("telegram",)


class Extras(Camel):
    """What every integration has beside its keys. Left out, it stays as it is."""

    session_duration: Annotated[TimeSpan, Field(description="How long a silent conversation lasts; 3 hours.")] = None
    send_mode: Annotated[
        Literal["placeholder_edit", "draft", "reconcile", "at_most_once", "at_least_once"] | None,
        Field(
            description="What is done when it is unknown whether the network took a message. draft (Telegram): private"
            " chats see the answer while it is made; then it is sent as in reconcile. Groups see placeholder_edit."
        ),
    ] = None
    groups: Annotated[
        Literal["ignore", "mention", "all"] | None, Field(description="Which messages of groups are answered.")
    ] = None
    when_unknown: Annotated[
        Literal["operator", "again"] | None,
        Field(
            description="Where the network cannot tell whether it took a message: the delivery stays unknown for people"
            " to decide (operator), or it goes once more and may arrive twice (again). Not for at_most_once."
        ),
    ] = None
    presence: Annotated[
        Literal["all", "typing", "read", "none"] | None,
        Field(
            description="What contacts see while an answer is made: that their message is read and that somebody"
            " types, one of them, or nothing. WhatsApp from Meta and Kapso shows typing only with the mark of reading."
        ),
    ] = None
    webhook_url: Annotated[str | None, Field(description="Read only: where the network calls us.")] = None
    state: Annotated[str | None, Field(description="Read only: registered or notRegistered.")] = None
    state_text: Annotated[str | None, Field(description="Read only: why it is not registered.")] = None
    connection: Annotated[str | None, Field(description="Read only: the network's own connection.")] = None


Buttons = Annotated[
    Literal["native", "numbered"] | None,
    Field(description="Choices as buttons and lists, where this account delivers them, or as a numbered text."),
]


class TelegramIntegration(Extras):
    bot_token: Secret


class ZapiIntegration(Extras):
    instance_id: Value
    instance_token: Secret
    client_token: Secret | None = None
    choices: Buttons = None


class EvolutionIntegration(Extras):
    endpoint_url: Address
    instance_name: Value
    api_key: Secret
    choices: Buttons = None


class KapsoIntegration(Extras):
    api_key: Secret
    phone_number_id: Value
    webhook_secret_key: Secret | None = None
    continued_messages_template_id: Value | None = None


def _asked(one: type[Described]) -> type[Extras]:
    """The form of a network that describes itself."""
    fields: Json = {}
    for s in one.asks:
        kind: Any = Secret if s.secret else Value
        told = Field(None if s.optional else ..., alias=s.name, description=f"{s.label}. {s.hint}".strip())
        fields[_SNAKE.sub("_", s.name).lower()] = (kind | None if s.optional else kind, told)
    made: type[Extras] = create_model(f"{one.kind}Integration", __base__=Extras, **fields)
    return made


class Documented(Camel):
    zapi_integration: ZapiIntegration | None = None
    telegram_integration: TelegramIntegration | None = None
    evolution_integration: EvolutionIntegration | None = None
    kapso_integration: KapsoIntegration | None = None


# The documented four, and whatever describes itself beside them.
_OTHERS: Json = {FIELDS[name]: (_asked(one) | None, None) for name, one in OTHERS.items()}
Integrations: type[Documented] = create_model("Integrations", __base__=Documented, **_OTHERS)


class IntegrationsOut(Integrations):  # type: ignore[valid-type,misc]  # made of what networks say of themselves
    @classmethod
    def of(cls, found: Sequence[Seen], whole: bool) -> "IntegrationsOut":
        """whole: with the secrets of the webhooks' addresses."""
        made: IntegrationsOut = cls.model_validate({FIELDS[o.integration.channel]: _shown(o, whole) for o in found})
        return made


def _shown(seen: Seen, whole: bool) -> Json:
    one, url = seen.integration, seen.webhook_url
    secret = {k: mask(v) for k, v in one.secrets.items() if k in SECRETS[one.channel]}
    return {
        **one.settings,
        **secret,
        "sessionDuration": text(one.session_seconds),
        "sendMode": one.mode,
        "groups": one.groups,
        "whenUnknown": one.when_unknown,
        "presence": one.presence,
        "webhookUrl": url if whole else url.rpartition("/")[0] + f"/{MASK}",
        "stateText": one.state_text,
        "connection": one.connection,
        "state": "registered" if one.state == "registered" else "notRegistered",
    }


def _known(name: str) -> str:
    if name not in TYPES:
        raise ValueError(f"must be one of {', '.join(TYPES)}")
    return name


class IntegrationsIn(Camel):
    """Only the integration that `integrationType` names is changed."""

    integration_type: Annotated[str, AfterValidator(_known), Field(json_schema_extra={"enum": list(TYPES)})]
    integrations: Integrations  # type: ignore[valid-type]  # made of what networks say of themselves

    @model_validator(mode="before")
    @classmethod
    def _only_the_named(cls, sent: Any) -> Any:
        # The others may be incomplete: they are not looked at.
        if not isinstance(sent, dict) or not isinstance(sent.get("integrations"), dict):
            return sent
        channel = TYPES.get(str(sent.get("integrationType", sent.get("integration_type"))))
        if channel is None:
            return sent
        name = FIELDS[channel]
        alias = Integrations.model_fields[name].alias or name
        return {**sent, "integrations": {k: v for k, v in sent["integrations"].items() if k in (name, alias)}}

    def given(self) -> Given:
        """What is asked for. Raise Invalid when the named integration is missing."""
        channel = TYPES[self.integration_type]
        one: Extras | None = getattr(self.integrations, FIELDS[channel])
        if one is None:
            field = f"integrations.{Integrations.model_fields[FIELDS[channel]].alias}"
            raise Invalid(f"{field} is missing; send it for the type {self.integration_type}.", field=field)
        extras = {field.alias for field in Extras.model_fields.values()}
        sent = one.model_dump(by_alias=True, exclude_unset=True)
        duration = seconds(one.session_duration) if one.session_duration else None
        if duration is not None and duration < SHORTEST:
            raise Invalid("sessionDuration must be at least one minute.", field="sessionDuration")
        if one.send_mode == "placeholder_edit" and channel not in EDITABLE:
            raise Invalid("sendMode placeholder_edit needs a network that can edit messages.", field="sendMode")
        if one.send_mode == "draft" and channel not in DRAFTABLE:
            raise Invalid("sendMode draft needs a network that shows drafts.", field="sendMode")
        return Given(
            channel=channel, settings={k: v for k, v in sent.items() if k not in extras}, session_seconds=duration,
            mode=one.send_mode, groups=one.groups, when_unknown=one.when_unknown, presence=one.presence,
        )
