"""Paths inside a workspace: `/` is its root, and nothing leads out of it. Pure."""

from hub.errors import Invalid

LONGEST, NAME, DEEPEST = 1024, 255, 64

Parts = tuple[str, ...]


def parts(path: str, field: str = "path") -> Parts:
    """The names from the root to a file or folder; () is the root. Raise Invalid naming the field."""
    if len(path.encode(errors="surrogatepass")) > LONGEST:
        raise Invalid(f"{field} is longer than {LONGEST:,} bytes.", field=field)
    found: list[str] = []
    for name in path.split("/"):
        if name == "..":
            if not found:
                raise Invalid(f"{field} leads out of the workspace; `/` is its root.", field=field)
            found.pop()
        elif name not in ("", "."):
            _check(name, field)
            found.append(name)
    if len(found) > DEEPEST:
        raise Invalid(f"{field} has more than {DEEPEST} levels.", field=field)
    return tuple(found)


def _check(name: str, field: str) -> None:
    if "\0" in name:
        raise Invalid(f"{field} must not contain NUL.", field=field)
    try:
        size = len(name.encode())
    except UnicodeEncodeError:
        raise Invalid(f"{field} is not valid text.", field=field) from None
    if size > NAME:
        raise Invalid(f"{field} has a name of more than {NAME} bytes.", field=field)
