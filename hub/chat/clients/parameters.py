"""Every documented parameter of a chat client, with its default."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from hub.accounts.value_types import INT32, Address
from hub.chat.clients.styles import colour, origin, public_key
from hub.chat.timespan import TimeSpan
from hub.pydantic_base import Camel, Defaults
from hub.tools.schedule import zones

Label = Annotated[str, Field(max_length=500)]
Code = Annotated[str, Field(max_length=100_000)]
LANGUAGE = r"^[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8}){0,3}$"
Count = Annotated[int, Field(ge=-INT32 - 1, le=INT32)]


def _zone(value: str | None) -> str | None:
    return zones.check(value) if value else None


class LimitingParameters(Defaults):
    """0 or negative: no limit."""

    messages_per_hour: Annotated[Count, Field(description="User messages per hour and session.")] = 30
    max_messages: Annotated[Count, Field(description="Messages a session may hold; then it is blocked.")] = 300


class SuggestionButton(Camel):
    label: Annotated[str, Field(min_length=1, max_length=200)]
    prompt: Annotated[str, Field(min_length=1, max_length=5000)]


class PreChatField(Camel):
    """What a visitor is asked before they write. name: under which it is kept; email and phone are looked at."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-zA-Z0-9_]{0,39}$")]
    label: Annotated[str, Field(min_length=1, max_length=300)]
    kind: Literal["text", "email", "phone", "consent"] = "text"
    required: bool = True


def _once_each(fields: list[PreChatField]) -> list[PreChatField]:
    """What is asked under one name twice could be kept but once."""
    names = [f.name for f in fields]
    twice = next((n for n in names if names.count(n) > 1), None)
    if twice:
        raise ValueError(f"has two fields named {twice}")
    return fields


class ClientParameters(Defaults):
    """How the chat looks and behaves."""

    language_code: Annotated[str | None, Field(pattern=LANGUAGE, description="`pt-BR`; null: the visitor's.")] = None
    suggestion_buttons: Annotated[list[SuggestionButton], Field(max_length=50)] = []
    pre_chat: Annotated[
        list[PreChatField], Field(max_length=10, description="A form before the first message; empty: none."),
        AfterValidator(_once_each),
    ] = []
    custom_scripts: Code | None = None
    custom_styles: Code | None = None
    input_modes: list[Literal["Image", "Document", "Audio"]] = []
    primary_color: Annotated[str, Field(max_length=100), AfterValidator(colour)] = "#6366f1"
    page_title: Annotated[str, Field(min_length=1, max_length=200)] = "Chat Assistant"
    hello_label: Label | None = None
    hello_sub_label: Label | None = None
    text_area_placeholder: Label | None = None
    logo_image_url: Address | None = None
    debug: bool = False
    show_tool_calls: bool = False
    widget_sound: Annotated[
        bool,
        Field(description="Whether the chat page sounds when an answer comes that nobody looks at; visitors choose."),
    ] = True
    visitor_typing: Annotated[
        Literal["hidden", "shown", "draft"],
        Field(description="Whether operators see that a visitor of the website writes; draft: and what."),
    ] = "hidden"
    allowed_frame_origins: Annotated[
        list[Annotated[str, Field(max_length=300), AfterValidator(origin)]],
        Field(max_length=100, description="Origins that may embed the chat; empty: any."),
    ] = []
    allowed_media_origins: Annotated[
        list[Annotated[str, Field(max_length=300), AfterValidator(origin)]],
        Field(max_length=100, description="Origins whose files an answer may send; others stay links."),
    ] = []
    identity_public_key: Annotated[
        str | None, Field(max_length=1000, description="PEM, P-256: visitors' tokens signed with ES256 are believed."),
        AfterValidator(public_key),
    ] = None
    audio_synthesis_source: Literal["None", "Gpt4oTts", "ElevenMultilingualV2", "ElevenV3"] = "None"
    audio_synthesis_voice: Label | None = None
    audio_synthesis_instruction: Annotated[str | None, Field(max_length=5000)] = None
    summarize_text_before_audio_synthesis: bool = False
    voice_answers: Annotated[
        Literal["never", "voice", "always"],
        Field(description="Whether networks get answers as voice messages too: to spoken messages, to all, or never."),
    ] = "never"
    acknowledgement: Annotated[
        Literal["never", "eyes", "thumbs"],
        Field(description="A reaction to questions on networks: eyes while an answer is made, or a thumb that stays."),
    ] = "never"
    upload_unsupported_files: bool = False
    allow_scheduled_continuations: bool = False
    split_answer_into_message_chunks: bool = False
    max_scheduled_ignored_zone: Annotated[
        TimeSpan, Field(description="Scheduled messages to who has not answered the last one for longer are dropped.")
    ] = None
    time_zone: Annotated[
        str | None,
        Field(max_length=60, description="IANA zone of contacts whose phone does not tell theirs: `Europe/Berlin`."),
        AfterValidator(_zone),
    ] = None
    model_patience_seconds: Annotated[
        float | None,
        Field(ge=0, le=3600, description="How long contacts wait for a model that is away, before an apology; null: "
              "the server's, 300."),
    ] = None
    message_debounce_interval: Annotated[TimeSpan, Field(description="Messages that follow within it are one.")] = None
