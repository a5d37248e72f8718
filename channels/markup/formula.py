"""Formulas in Markdown, as models write them: `\\(x\\)`, `\\[x\\]`, `$$x$$`. A single dollar is money."""

from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline

ENDS = {"\\(": "\\)", "\\[": "\\]", "$$": "$$"}
LONGEST = 2000


def formulas(parser: MarkdownIt) -> MarkdownIt:
    """The parser with tokens "math": `markup` is what opens it, `content` the source between."""
    parser.inline.ruler.before("escape", "math", _rule)
    return parser


def _rule(state: StateInline, silent: bool) -> bool:
    opening = state.src[state.pos : state.pos + 2]
    closing = ENDS.get(opening)
    if closing is None:
        return False
    end = state.src.find(closing, state.pos + 2, min(state.posMax, state.pos + LONGEST))
    inner = state.src[state.pos + 2 : end] if end > 0 else ""
    if not inner.strip():
        return False
    if not silent:
        token = state.push("math", "", 0)
        token.markup, token.content = opening, inner
    state.pos = end + 2
    return True
