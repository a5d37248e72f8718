"""Brand voices."""

from typing import Annotated, Any, Literal

from pydantic import Field

from hub.accounts.value_types import Called
from hub.api.aresgen.schemas.kinds import Time, VoiceId
from hub.pydantic_base import Snake
from hub.studio.aresgen.voices import MIDDLE, Voice

Json = dict[str, Any]
Slider = Annotated[int | None, Field(ge=0, le=100)]
Sample = Annotated[str, Field(min_length=1, max_length=50_000, description="At least 300 words.")]
Phrases = Annotated[list[Annotated[str, Field(min_length=1, max_length=200, pattern=r"\S")]], Field(max_length=200)]


class Sliders(Snake):
    """0 to 100; 50: as in the sample."""

    formality: Slider = None
    warmth: Slider = None
    humor: Slider = None
    energy: Slider = None
    authority: Slider = None
    complexity: Slider = None


class SlidersOut(Snake):
    formality: int = MIDDLE
    warmth: int = MIDDLE
    humor: int = MIDDLE
    energy: int = MIDDLE
    authority: int = MIDDLE
    complexity: int = MIDDLE


class VoiceIn(Snake):
    name: Called
    sample: Sample
    sliders: Sliders = Sliders()
    banned_phrases: Phrases = []


class VoiceEdit(Snake):
    """Only what changes."""

    name: Called | None = None
    sample: Sample | None = None
    sliders: Sliders | None = None
    banned_phrases: Phrases | None = None


class VoiceOut(Snake):
    id: VoiceId
    name: str
    status: Literal["ready"] = "ready"
    sliders: SlidersOut
    banned_phrases: list[str]
    sample: str
    profile: Annotated[Json, Field(description="How the sample is written.")]
    created_at: Time
    updated_at: Time

    @classmethod
    def of(cls, voice: Voice) -> "VoiceOut":
        return cls(
            id=voice.id, name=voice.name, sliders=SlidersOut(**voice.sliders), banned_phrases=voice.banned_phrases,
            sample=voice.sample, profile=voice.profile, created_at=voice.created_at, updated_at=voice.updated_at,
        )
