"""Lists of words, written as sentences are. Pure."""


def words(text: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(text.split())
