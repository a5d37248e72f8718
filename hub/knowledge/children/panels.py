"""What of a page a reader can open: accordions, tabs and the like; what is hidden for good is left out and told."""

import re
from collections.abc import Iterator
from typing import Any

from hub.knowledge.children.common import Text, quoted
from hub.knowledge.children.soups import drop

# A button that opens a part of the page says what that part is about.
OPENS = ("aria-controls", "aria-expanded", "data-bs-toggle", "data-toggle", "data-target", "data-bs-target")
# Attributes by which something on a page names what it opens: of libraries, of scripts within the page.
NAMES = re.compile(r"aria-controls|href|on\w+|data-[\w-]+|x-on:[\w.]+|@[\w.]+|:aria-controls|v-b-toggle.*|hx-target")
# Where a tab names what it shows.
SHOWS = ("aria-controls", "data-bs-target", "data-target", "href")
HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6", "dt", "summary")
HIDDEN = re.compile(r"(?:^|;)\s*(?:display\s*:\s*none|visibility\s*:\s*hidden)", re.IGNORECASE)
NOTHING = re.compile(r"(?:^|;)\s*font-size\s*:\s*0(?:px|pt|r?em|%)?\s*(?:;|!|$)", re.IGNORECASE)
PANEL = re.compile(
    r"collaps|accordion|tab-?pane|tab-?panel|tab-?content|panel|toggle|faq|answer|respo?sta|respuesta|disclos|expand|"
    r"sanfona|acorde", re.IGNORECASE,
)
AROUND = re.compile(r"collaps|accordion|faq|disclos|expand|sanfona|acorde|(?:^|[\s_-])tabs?(?:[\s_-]|$)", re.IGNORECASE)
NAMED = re.compile(r"[A-Za-z][\w:.-]*")
MARK = "data-hub-opens"  # put on headings that were buttons
TABS = 200
LONGEST = 300  # characters of an attribute that may name something
ABOVE = 3


def button(one: Any, opened: set[str]) -> bool:
    """A button that opens something is a heading; any other says what the page does, not what it tells: whether it
    stays."""
    within = one.parent is not None and one.parent.name in HEADINGS
    if within:
        one.parent[MARK] = ""
        one.unwrap()
    elif one.get("role") == "tab" or _opens(one, opened):
        if one.get_text(" ", strip=True):
            one.name, one[MARK] = "h4", ""
        else:
            one.unwrap()
    else:
        return False
    return True


def labelled(main: Any) -> None:
    """The name of a tab stands above what it shows, not in a row with the others: or nobody knows which is whose."""
    tabs = main.find_all(_tab, limit=TABS)
    if not tabs:
        return
    panels = {str(one["id"]): one for one in main.find_all(id=True)}
    for one in tabs:
        name = one.get_text(" ", strip=True)
        said = next((str(one[a]) for a in SHOWS if one.has_attr(a)), "").strip().removeprefix("#")
        panel = panels.pop(said, None)
        if panel is None or not name or any(p is panel for p in one.parents) or any(p is one for p in panel.parents):
            continue
        if panel.find(HEADINGS, string=name) is not None:
            continue
        one.name, one.attrs = "h4", {}
        panel.insert(0, one.extract())
        panel["role"] = "tabpanel"


def _tab(one: Any) -> bool:
    kind = one.get("data-bs-toggle") or one.get("data-toggle")
    return one.get("role") == "tab" or kind in ("tab", "pill")


def _opens(one: Any, opened: set[str]) -> bool:
    if one.has_attr("aria-haspopup"):
        return False
    if any(one.has_attr(a) for a in OPENS) or _named(one, opened) or PANEL.search(_called(one)):
        return True
    following = one.find_next_sibling()
    return following is not None and (_hidden(following) or bool(PANEL.search(_called(following))))


def targets(main: Any) -> set[str]:
    """Ids of the parts that something on the page opens."""
    there = {str(one["id"]) for one in main.find_all(id=True)}
    found: set[str] = set()
    for one in main.find_all(True):
        found |= _named(one, there)
    return found


def _named(one: Any, ids: set[str]) -> set[str]:
    """Those of the ids that an element names as what it opens."""
    found: set[str] = set()
    for name, value in one.attrs.items():
        said = str(value)
        if NAMES.fullmatch(name) and len(said) <= LONGEST and (name != "href" or said.startswith("#")):
            found |= ids & set(NAMED.findall(said))
    return found


def hide(main: Any, opened: set[str], text: Text) -> None:
    """Leave out what a reader does not see and cannot open."""
    gone = list[Any]()
    there = set[int]()
    for one in main.find_all(True):
        if id(one.parent) in there:
            there.add(id(one))
            continue
        silent = one.get("aria-hidden") == "true"
        if not (silent or _hidden(one)) or _opened(one, opened):
            continue
        said = one.get_text(" ", strip=True)
        if len(said) > 2 and not silent:
            said = quoted(said)
            text.note(f"Hidden text was left out: {said}")
        gone.append(one)
        there.add(id(one))
    drop(gone)


def _hidden(one: Any) -> bool:
    style = str(one.get("style") or "")
    if one.has_attr("hidden") and one["hidden"] != "until-found" or HIDDEN.search(style):
        return True
    return bool(NOTHING.search(style)) and one.find(True) is None


def _opened(one: Any, opened: set[str]) -> bool:
    if one.get("role") == "tabpanel" or one.has_attr("aria-labelledby") or str(one.get("id") or "\0") in opened:
        return True
    if one.has_attr("x-show") or one.has_attr("x-collapse") or one.has_attr("itemprop") or PANEL.search(_called(one)):
        return True
    before = one.find_previous_sibling()
    if before is not None and _leads(before):
        return True
    return any(AROUND.search(_called(p)) for p in _above(one))


def _leads(before: Any) -> bool:
    """Whether what stands before a hidden part is what opens it."""
    if before.name == "dt" or before.has_attr(MARK):
        return True
    within = before.find_all(True, limit=20) if len(before.get_text()) <= LONGEST and before.name != "details" else ()
    return any(p.has_attr(MARK) or p.get("role") == "button" or p.has_attr("aria-expanded") or p.has_attr("onclick")
               for p in (before, *within)) and not any(_hidden(p) for p in within)


def _above(one: Any) -> Iterator[Any]:
    for n, parent in enumerate(one.parents):
        if n == ABOVE or parent.name in ("body", "main", "html", "[document]", "form"):
            return
        yield parent


def _called(one: Any) -> str:
    return " ".join(one.get("class") or []) + " " + str(one.get("id") or "")
