"""The catalogue of models: what is in it, and what is wrong with one."""

from pathlib import Path

import pytest

from hub.errors import Setup
from hub.llm.catalogue import load

MINE = """
[providers]
one = {{ address = "https://one.example/v1" }}
free = {{ address = "http://127.0.0.1:1/v1", open = true }}
[models."@one/big"]
provider = "{provider}"
name = "big-1"
context = 1000
in = 2.0
out = 4.0
modes = ["json"]
flags = ["NoTemperature"]
badges = ["New"]
[models."@free/small"]
provider = "free"
name = "small"
"""


def written(folder: Path, text: str) -> str:
    path = folder / "models.toml"
    path.write_text(text)
    return str(path)


def test_the_packaged_one_has_only_what_there_are_keys_for() -> None:
    assert load("", "").models == {}
    found = load("", "openai=sk-1, google=g-2").models
    assert {m.vendor for m in found.values()} == {"openai", "google"}
    assert all(m.price.prompt > 0 and m.price.completion > m.price.prompt > m.price.cached for m in found.values())
    assert found["@openai/gpt-5-mini"].key == "sk-1" and found["@openai/gpt-5-mini"].price.prompt == 2.5e-7


def test_one_of_my_own(tmp_path: Path) -> None:
    found = load(written(tmp_path, MINE.format(provider="one")), "one=k").models
    big = found["@one/big"]
    assert (big.name, big.key, big.context, big.badges) == ("big-1", "k", 1000, ("New",))
    assert big.flags == {"NoTemperature", "StructuredOutputSupport", "NoReasoningEffort"}
    assert (big.price.prompt, big.price.completion, big.price.cached) == (2e-6, 4e-6, 2e-6)
    assert big.price.written == pytest.approx(2.5e-6)
    assert found["@free/small"].key is None and set(
        load(written(tmp_path, MINE.format(provider="one")), "").models
    ) == {"@free/small"}


@pytest.mark.parametrize(
    ("text", "keys", "says"),
    [
        ("[providers", "", "not TOML"),
        ("", "", "providers"),
        (MINE.format(provider="two"), "", "@one/big names the provider two"),
        (MINE.format(provider="one"), "three=k", "three"),
        (MINE.format(provider="one"), "one", "pairs"),
        (MINE.format(provider="one").replace("context = 1000", "context = -1"), "", "context"),
        (MINE.format(provider="one").replace('badges = ["New"]', 'badge = "x"'), "", "badge"),
    ],
)
def test_what_is_wrong_is_one_sentence(tmp_path: Path, text: str, keys: str, says: str) -> None:
    with pytest.raises(Setup, match=says):
        load(written(tmp_path, text), keys)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(Setup, match="HUB_CATALOGUE"):
        load(str(tmp_path / "none.toml"), "")
