"""Bars drawn here: no script, no style, a table beside them says the same. Pure."""

from collections.abc import Sequence

from markupsafe import Markup, escape

WIDE, HIGH, LEFT, LOW = 640, 150, 34, 18


def bars(title: str, labels: Sequence[str], values: Sequence[float], second: Sequence[float] = ()) -> Markup:
    """Bars over days; `second` stands before them, of another colour."""
    most = max([*values, *second, 1])
    step = (WIDE - LEFT) / max(1, len(values))
    parts = [
        Markup('<svg class="chart" viewBox="0 0 {} {}" role="img" aria-label="{}">').format(WIDE, HIGH + LOW, title),
        Markup(
            '<line x1="{0}" x2="{1}" y1="{2}" y2="{2}"/><text x="0" y="10">{3}</text><text x="0" y="{2}">0</text>'
        ).format(LEFT, WIDE, HIGH, _short(most)),
    ]
    every = max(1, len(labels) // 8)
    for n, (label, value) in enumerate(zip(labels, values, strict=True)):
        x = LEFT + n * step
        parts.append(_bar(x + step * 0.12, step * (0.44 if second else 0.76), value, most, f"{label}: {value:g}", ""))
        if second:
            parts.append(_bar(x + step * 0.56, step * 0.32, second[n], most, f"{label}: {second[n]:g}", "second"))
        if n % every == 0:
            parts.append(Markup('<text x="{:.1f}" y="{}">{}</text>').format(x, HIGH + LOW - 4, escape(label)))
    return Markup("").join([*parts, Markup("</svg>")])


def _bar(x: float, wide: float, value: float, most: float, title: str, kind: str) -> Markup:
    high = value / most * (HIGH - 12)
    named = Markup(' class="{}"').format(kind) if kind else Markup("")
    drawn = Markup('<rect{} x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}" rx="2"><title>{}</title></rect>')
    return drawn.format(named, x, HIGH - high, max(wide, 1), max(high, 0.5 if value else 0), title)


def _short(value: float) -> str:
    for unit, size in (("M", 1e6), ("k", 1e3)):
        if value >= size:
            return f"{value / size:.3g}{unit}"
    return f"{value:.3g}"
