"""What a tap on one of WhatsApp's ice breakers sends: the words that were set, as Meta takes them. Pure."""

import unicodedata

LONGEST = 80
# Kinds of characters that are pictures, or shape one; below that code they are parts of words.
PICTURES, PICTURED = frozenset(("So", "Sk", "Cs", "Co", "Cn", "Cf", "Mn", "Me")), 0x2000


def opener(label: str) -> str:
    """Without what Meta refuses: signs that are pictures, and more than eighty characters."""
    plain = "".join(" " if ord(c) > PICTURED and unicodedata.category(c) in PICTURES else c for c in label)
    words = " ".join(plain.split())
    return words if len(words) <= LONGEST else f"{words[: LONGEST - 1].rstrip()}…"
