"""Words for how much a model thinks: each does something, or is refused."""

import pytest

from hub.domain import Json
from hub.errors import Invalid
from tests.api.door import Door, door, place
from tests.api.test_transports import answers, speaking

__all__ = ["door", "place"]


@pytest.mark.parametrize(("model", "effort", "sent"), [
    ("gemini-3-pro", "Ultra", {"thinkingLevel": "ULTRA"}), ("gemini-3-pro", "max", {"thinkingLevel": "HIGH"}),
    ("gemini-3-pro", "off", {"thinkingLevel": "MINIMAL"}), ("gemini-3-pro", "auto", None),
    ("gemini-2.5-flash", "max", {"thinkingBudget": 32_768}), ("gemini-2.5-flash", "ultra", {"thinkingBudget": 8192}),
    ("gemini-2.5-flash", "off", {"thinkingBudget": 0}), ("gemini-2.5-flash", "default", None),
    ("gemini-2.0-flash", "high", None),
])
async def test_each_word_for_how_much_gemini_thinks_does_something(
    door: Door, model: str, effort: str, sent: Json | None
) -> None:
    door.model.default = answers("Gemini", "ok")
    id = await door.gateway(**speaking(door, "Gemini", modelName=model))
    await door.asked(model=id, reasoning_effort=effort)
    assert door.sent.get("generationConfig", {}).get("thinkingConfig") == sent


@pytest.mark.parametrize(("field", "ours"), [("reasoningEffort", "reasoning_effort"), ("verbosity", "verbosity")])
async def test_a_word_that_only_a_newer_model_knows(door: Door, field: str, ours: str) -> None:
    """A slip is refused; what is meant goes where everything is handed on."""
    with pytest.raises(Invalid, match=rf"must be one of .* additionalSettings \({ours}\)"):
        await door.gateway(**{field: "ultra"})
    id = await door.gateway(additionalSettings={ours: "ultra"})
    await door.asked(model=id)
    assert door.sent[ours] == "ultra"
