"""The filter language of document listings: `-t "tag" -r "reference" -c "content" -n "name" -i "id"`."""

import shlex
from uuid import UUID

from hub.errors import Invalid
from hub.store.documents import Find
from hub.translations import told

FLAGS = {"-t": "tags", "-r": "reference", "-c": "content", "-n": "name", "-i": "id"}
HELP = told('use -t "tag", -r "reference", -c "content", -n "name" or -i "id"')

ORDERS = tuple(f"{field}_{way}" for field in ("created_at", "updated_at", "indexed_at") for way in ("asc", "desc"))
STATES = {"queued": "Queued", "indexed": "Indexed", "cancelled": "Cancelled", "failed": "Failed"}


def parse(text: str | None) -> Find:
    """Conditions that must all hold. `-t` may come several times; words without a flag are looked for anywhere."""
    values: dict[str, str] = {}
    tags: list[str] = []
    loose: list[str] = []
    words = iter(_split(text or ""))
    for word in words:
        if word not in FLAGS:
            loose.append(_word(word))
            continue
        value = next(words, None)
        if value is None:
            raise Invalid(told("filter: %(word)s needs a value; %(help)s.", word=word, help=HELP), field="filter")
        if word == "-t":
            tags.append(value)
        elif values.setdefault(FLAGS[word], value) != value:
            raise Invalid(f"filter: {word} may come once only.", field="filter")
    return Find(
        tuple(tags), values.get("reference"), values.get("content"), values.get("name"),
        _id(values.get("id")), " ".join(loose) or None,
    )


def order(text: str | None) -> str:
    """One of ORDERS; "asce" is the documented spelling of "asc". Without one: newest first."""
    name = (text or "created_at_desc").lower()
    name = name.removesuffix("e") if name.endswith("_asce") else name
    if name not in ORDERS:
        raise Invalid(f"order_by must be one of {', '.join(ORDERS)}.", field="order_by")
    return name


def state(text: str | None) -> str | None:
    if not text:
        return None
    if text.lower() not in STATES:
        raise Invalid(f"state must be one of {', '.join(STATES)}.", field="state")
    return STATES[text.lower()]


def _split(text: str) -> list[str]:
    lexer = shlex.shlex(text, posix=True)
    lexer.whitespace_split, lexer.commenters, lexer.quotes, lexer.escapedquotes = True, "", '"', '"'
    try:
        return list(lexer)
    except ValueError:
        raise Invalid("filter: a quotation mark is not closed.", field="filter") from None


def _word(word: str) -> str:
    if len(word) == 2 and word.startswith("-"):
        raise Invalid(told("filter: there is no %(word)s; %(help)s.", word=word, help=HELP), field="filter")
    return word


def _id(text: str | None) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        raise Invalid("filter: the value of -i must be a document's id.", field="filter") from None
