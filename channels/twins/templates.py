"""Templates of a twin's business account: listed as Meta does, checked when they are sent, changed from outside."""

import time
from typing import Any

from channels.twins.kapso_errors import meta_error
from channels.twins.replies import Refused, Reply

Json = dict[str, Any]
WABA = "200000000000001"


def _one(name: str, language: str, body: str, *more: Json, category: str = "UTILITY", **also: Any) -> Json:
    parts: list[Json] = [{"type": "BODY", "text": body}, *more]
    return {
        "id": str(abs(hash((name, language))) % 10**15), "name": name, "language": language, "status": "APPROVED",
        "category": category, "components": parts, "quality_score": {"score": "GREEN", "date": 1767272400},
        "rejected_reason": "NONE",
        "parameter_format": "POSITIONAL", **also,
    }


def _first() -> list[Json]:
    """What an account has at its beginning."""
    url = {"type": "URL", "text": "Follow it", "url": "https://shop.example/o/{{1}}"}
    return [
        _one("hello_again", "pt_BR", "Oi! Temos uma resposta para você. Podemos continuar?",
             {"type": "BUTTONS", "buttons": [{"type": "QUICK_REPLY", "text": "Sim"}]}),
        _one("hello_again", "en_US", "Hello! We have an answer for you. Shall we go on?"),
        _one("order_ready", "pt_BR", "Olá {{1}}, o pedido {{2}} está pronto.", {"type": "BUTTONS", "buttons": [url]},
             {"type": "FOOTER", "text": "Twin Store"}),
        _one("visit", "en_US", "Dear {{customer}}, we expect you on {{day}}.",
             {"type": "HEADER", "format": "TEXT", "text": "About your visit"}, parameter_format="NAMED"),
        _one("spring", "en_US", "{{1}}, spring is here.", {"type": "HEADER", "format": "IMAGE"},
             {"type": "BUTTONS", "buttons": [{"type": "COPY_CODE", "text": "Copy code", "example": ["SPRING"]}]},
             category="MARKETING"),
        _one("winter", "en_US", "Winter is over.", category="MARKETING", status="PAUSED",
             quality_score={"score": "RED", "date": 1767272400}),
        _one("cheap", "en_US", "CHEAP!!!", category="MARKETING", status="REJECTED", rejected_reason="ABUSIVE_CONTENT"),
    ]


class Templates:
    """All of one account."""

    def __init__(self) -> None:
        self.rows = _first()

    def listed(self, query: Any) -> Reply:
        """GET /{business account}/message_templates."""
        limit, after = max(1, int(query.get("limit") or 25)), int(query.get("after") or 0)
        rows = self.rows[after : after + limit]
        more = len(self.rows) > after + limit
        paging: Json = {"cursors": {"before": str(after), "after": str(after + limit)}}
        return Reply(200, {"data": rows, "paging": paging | ({"next": "https://graph.example/next"} if more else {})})

    def check(self, content: Json) -> str | None:
        """How a template reads that is sent; None for one that is not of the account. Raise Refused as Meta does."""
        name, language = str(content.get("name")), str((content.get("language") or {}).get("code"))
        same = [r for r in self.rows if r["name"] == name]
        if not same:
            return None
        row = next((r for r in same if r["language"] == language), None)
        if row is None:
            raise Refused(meta_error("132001", f"template name ({name}) does not exist in {language}"))
        for status, code in (("PAUSED", "132015"), ("DISABLED", "132016")):
            if row["status"] == status:
                raise Refused(meta_error(code))
        if row["status"] != "APPROVED":
            raise Refused(meta_error("132001", f"template name ({name}) is not approved"))
        return _filled(row, content)

    def change(self, name: str, language: str, given: Json) -> Json:
        """Set status, reason and quality; what Meta's webhook tells of it."""
        row = next((r for r in self.rows if r["name"] == name and (not language or r["language"] == language)), None)
        if row is None:
            raise ValueError(f"there is no template {name}")
        about = {
            "message_template_id": int(row["id"]), "message_template_name": name,
            "message_template_language": row["language"],
        }
        if quality := given.get("quality"):
            before = row["quality_score"]["score"]
            row["quality_score"] = {"score": quality, "date": int(time.time())}
            value = {"previous_quality_score": before, "new_quality_score": quality, **about}
            return {"field": "message_template_quality_update", "value": value}
        row |= {"status": given["status"], "rejected_reason": given.get("reason") or "NONE"}
        value = {"event": given["status"], "reason": given.get("reason") or "NONE", **about}
        return {"field": "message_template_status_update", "value": value}


def _filled(row: Json, content: Json) -> str:
    wanted = {str(p.get("type")).lower(): p for p in row["components"]}
    parts = content.get("components") or []
    given = {(str(c.get("type")), str(c.get("index", ""))): c.get("parameters") or [] for c in parts}
    body = wanted["body"]["text"]
    names = list(dict.fromkeys(part.partition("}}")[0] for part in body.split("{{")[1:]))
    values = given.pop(("body", ""), [])
    _counted(len(names), len(values), "body")
    for n, value in enumerate(values):
        name = value.get("parameter_name") if row["parameter_format"] == "NAMED" else names[n]
        if name not in names or "\n" in str(value.get("text")):
            raise Refused(meta_error("132000", f"body: parameter {name} does not fit"))
        body = body.replace("{{" + str(name) + "}}", str(value.get("text")))
    header = wanted.get("header", {})
    kind = str(header.get("format") or "").lower()
    want = 1 if kind in ("image", "video", "document") else header.get("text", "").count("{{")
    found = given.pop(("header", ""), [])
    _counted(want, len(found), "header")
    if want and kind in ("image", "video", "document") and not (found[0].get(kind) or {}).get("link"):
        raise Refused(meta_error("132012", f"header: Format mismatch, expected {kind.upper()}"))
    for n, button in enumerate(wanted.get("buttons", {}).get("buttons", [])):
        want = int("{{" in button.get("url", "") or button["type"] == "COPY_CODE")
        _counted(want, len(given.pop(("button", str(n)), [])), f"button {n}")
    if given:
        raise Refused(meta_error("132000", f"components that the template does not have: {sorted(given)}"))
    return str(body)


def _counted(want: int, found: int, place: str) -> None:
    if want != found:
        words = f"{place}: number of localizable_params ({found}) does not match the expected number of params ({want})"
        raise Refused(meta_error("132000", words))
