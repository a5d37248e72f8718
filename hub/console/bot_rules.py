"""A bot's rules for what goes out, and what its provider does not see, as a form has them.

Rules made over the API stay as they are: the form's own are known by their names.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from hub.console.page_request import Form
from hub.domain import Json
from hub.errors import Invalid
from hub.llm.personal_data import KINDS
from hub.translations import told

DATA, WORDS, PATTERN = "personal data", "words", "pattern"
ACTIONS = ("mask", "mark", "block")
LABELS: Mapping[str, str] = MappingProxyType({
    "Email": told("e-mail addresses"), "Phone": told("phones"), "Cpf": "CPF", "Cnpj": "CNPJ",
    "Card": told("payment cards"),
})


def _ours(rule: Mapping[str, object]) -> bool:
    name = str(rule.get("name") or "")
    return name in (DATA, WORDS) or (name.startswith(PATTERN) and name.removeprefix(PATTERN).strip().isdecimal())


def fields(p: Mapping[str, object]) -> Json:
    """What the form shows of a gateway's parameters."""
    given = p.get("outputRules")
    rules: list[Json] = list(given) if isinstance(given, list) else []
    own = {str(r.get("name")): r for r in rules if _ours(r)}
    patterns = [r for r in own.values() if r["type"] == "regex"]
    masking = p.get("providerMasking")
    hidden: Json = masking if isinstance(masking, dict) else {}
    data, words = own.get(DATA, {}), own.get(WORDS, {})
    return {
        "kinds": data.get("kinds") or (list(KINDS) if data else []), "dataAction": data.get("action") or "mask",
        "words": "\n".join(words.get("words") or ()), "wordsAction": words.get("action") or "mask",
        "patterns": "\n".join(str(r["pattern"]) for r in patterns),
        "patternsAction": patterns[0]["action"] if patterns else "mask",
        "others": len(rules) - len(own), "instead": p.get("outputBlockedText") or "",
        "hidden": hidden.get("kinds") or [], "hiddenWords": "\n".join(hidden.get("words") or ()),
    }


def parameters(form: Form, before: Sequence[Json]) -> Json:
    """A form's fields as parameters. before: the rules that there are. Raise Invalid."""
    rules = [r for r in before if not _ours(r)]
    kinds = [k for k in KINDS if k in form.all("outKind")]
    if kinds:
        rules.append({"name": DATA, "type": "personalData", "kinds": kinds, "action": _action(form, "dataAction")})
    words = _lines(form.get("outWords"))
    if words:
        rules.append({"name": WORDS, "type": "words", "words": words, "action": _action(form, "wordsAction")})
    for n, pattern in enumerate(_lines(form.get("outPatterns")), 1):
        action = _action(form, "patternsAction")
        rules.append({"name": f"{PATTERN} {n}", "type": "regex", "pattern": pattern, "action": action})
    hidden = {"kinds": [k for k in KINDS if k in form.all("hideKind")], "words": _lines(form.get("hideWords"))}
    return {
        "outputRules": rules, "outputBlockedText": form.get("outInstead") or None,
        "providerMasking": hidden if hidden["kinds"] or hidden["words"] else None,
    }


def _lines(text: str) -> list[str]:
    return [line for one in text.splitlines() if (line := one.strip())]


def _action(form: Form, name: str) -> str:
    action = form.get(name, "mask")
    if action not in ACTIONS:
        raise Invalid(f"{name} must be one of {', '.join(ACTIONS)}.", field=name)
    return action
