"""Bars drawn here: no script, no style, a table beside them says the same. Pure."""

from collections.abc import Sequence

from markupsafe import Markup, escape

from hub.console.filters import figure, number
from hub.translations import Catalogue, told

# As wide as a card is: what is written is then read as it is written.
WIDE, HIGH, LEFT, LOW = 400, 110, 42, 20
NAMED = 7  # bars with a name below
SIZES = ((1e9, told("%(figure)sB")), (1e6, told("%(figure)sM")), (1e3, told("%(figure)sk")))


def bars(
    title: str, labels: Sequence[str], values: Sequence[float], words: Catalogue, second: Sequence[float] = ()
) -> Markup:
    """Bars over days; `second` stands before them, of another colour. words: of the reader's language."""
    most = max([*values, *second, 1])
    step = (WIDE - LEFT) / max(1, len(values))
    parts = [
        Markup('<svg class="chart" viewBox="0 0 {} {}" role="img" aria-label="{}">').format(WIDE, HIGH + LOW, title),
        Markup(
            '<line x1="{0}" x2="{1}" y1="{2}" y2="{2}"/><text x="0" y="10">{3}</text><text x="0" y="{2}">0</text>'
        ).format(LEFT, WIDE, HIGH, short(most, words)),
    ]
    every = -(-len(labels) // NAMED)
    for n, (label, value) in enumerate(zip(labels, values, strict=True)):
        x = LEFT + n * step
        named = f"{label}: {number(value, words)}"
        parts.append(_bar(x + step * 0.12, step * (0.44 if second else 0.76), value, most, named, ""))
        if second:
            named = f"{label}: {number(second[n], words)}"
            parts.append(_bar(x + step * 0.56, step * 0.32, second[n], most, named, "second"))
        if n % every == 0:
            parts.append(Markup('<text x="{:.1f}" y="{}">{}</text>').format(x, HIGH + LOW - 4, escape(label)))
    return Markup("").join([*parts, Markup("</svg>")])


def _bar(x: float, wide: float, value: float, most: float, title: str, kind: str) -> Markup:
    high = value / most * (HIGH - 12)
    named = Markup(' class="{}"').format(kind) if kind else Markup("")
    drawn = Markup('<rect{} x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}" rx="2"><title>{}</title></rect>')
    return drawn.format(named, x, HIGH - high, max(wide, 1), max(high, 0.5 if value else 0), title)


def short(value: float, words: Catalogue) -> str:
    """A figure of three places, as a language shortens it."""
    for size, shape in SIZES:
        # What would be written as a thousand of one is one of the next.
        if value >= size * 0.9995:
            return words.say(shape) % {"figure": figure(f"{value / size:.3g}", words)}
    return figure(f"{value:.3g}", words)
