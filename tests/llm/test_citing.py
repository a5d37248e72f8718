"""What an answer was given, and which of its sentences stand there."""

from datetime import date
from uuid import UUID

from hub.domain import Passage
from hub.llm.citing import about, sources

PRICES = Passage(
    UUID(int=1), UUID(int=2), "prices.md", "The basic service costs R$ 120 and takes three days. Parts are extra.",
    0.71234, heading="Workshop > Prices", place="part 2 of 5", since=date(2024, 1, 1), until=date(2024, 12, 31),
)
OTHER = Passage(UUID(int=3), UUID(int=2), "tours.md", "The tour leaves at eight in the morning.", 0.4, replaced=True)


def test_sentences_are_shown_beside_the_passage_they_stand_in() -> None:
    got = sources([PRICES, OTHER], "Happy to help! The basic service costs R$ 120. It is our pride.")
    assert got == [
        {
            "id": str(UUID(int=1)), "name": "prices.md", "score": 0.7123, "heading": "Workshop > Prices",
            "place": "part 2 of 5", "since": "2024-01-01", "until": "2024-12-31",
            "said": ["The basic service costs R$ 120."],
        },
        {"id": str(UUID(int=3)), "name": "tours.md", "score": 0.4, "replaced": True},
    ]


def test_a_sentence_with_another_number_does_not_stand_there() -> None:
    assert "said" not in sources([PRICES], "The basic service costs R$ 130.")[0]


def test_what_is_told_of_a_passage() -> None:
    assert about(PRICES) == [
        "Heading: Workshop > Prices", "Place: part 2 of 5", "Valid from: 2024-01-01", "Valid until: 2024-12-31",
    ]
    assert about(OTHER) == ["Replaced by another document"]
