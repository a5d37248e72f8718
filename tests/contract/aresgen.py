"""The fifteen rows of the AresGen document, with the fields that api.md gives their answers."""

from tests.contract.rows import Row
from tests.contract.shape import ANY, FLAG, ID, NUMBER, TEXT, TIME, WHOLE, Shape, maybe, one_of, pairs, plus

RUN_STATUS = one_of("queued", "running", "success", "failed", "cancelled")
STEP_STATUS = one_of("queued", "running", "success", "failed", "skipped", "cancelled")

ROWS = {
    "G-01": Row("POST", "/v1/chat/completions", (200, 400, 401, 402, 403, 404, 409, 422, 429)),
    "G-02": Row("GET", "/v1/chat/threads/<id>", (200, 404)),
    "G-03": Row("DELETE", "/v1/chat/threads/<id>", (204, 404)),
    "G-04": Row("POST", "/v1/documents", (201, 400)),
    "G-05": Row("POST", "/v1/documents/<id>/commands", (200, 400, 404, 409, 422)),
    "G-06": Row("GET", "/v1/documents/<id>/versions", (200, 400, 404), optional=("limit", "cursor")),
    "G-07": Row("POST", "/v1/voices", (201, 400, 422)),
    "G-08": Row("GET", "/v1/voices", (200, 400), optional=("limit", "cursor")),
    "G-09": Row("PATCH", "/v1/voices/<id>", (200, 400, 404, 422)),
    "G-10": Row("POST", "/v1/chatbots", (201, 400, 404)),
    "G-11": Row("POST", "/v1/chatbots/<id>/messages", (200, 400, 404)),
    "G-12": Row(
        "GET", "/v1/chatbots/<id>/conversations", (200, 400, 404),
        optional=("from", "to", "intent", "escalated", "csat", "csat_min", "limit", "cursor"),
    ),
    "G-13": Row("POST", "/v1/workflows", (201, 400, 415, 422)),
    "G-14": Row("POST", "/v1/workflows/<id>/runs", (202, 404, 422)),
    "G-15": Row("GET", "/v1/workflows/<id>/runs/<run_id>", (200, 404)),
}

MESSAGE: Shape = {"id": TEXT, "role": TEXT, "content": TEXT, "created_at": TIME}
SLIDERS: Shape = dict.fromkeys(("formality", "warmth", "humor", "energy", "authority", "complexity"), WHOLE)
VOICE: Shape = plus(
    {
        "id": TEXT, "name": TEXT, "status": one_of("ready"), "sliders": SLIDERS, "banned_phrases": [TEXT],
        "created_at": TIME, "updated_at": TIME,
    },
    "sample", "profile",
)
STEP: Shape = {
    "id": TEXT, "type": TEXT, "status": STEP_STATUS, "latency_ms": maybe(WHOLE), "cost_usd": NUMBER, "retries": WHOLE,
    "output": ANY, "error": maybe(pairs(ANY)),
}
RUN: Shape = plus(
    {
        "id": TEXT, "workflow_id": TEXT, "status": RUN_STATUS, "duration_ms": maybe(WHOLE), "cost_usd": NUMBER,
        "steps": [STEP], "output": ANY,
    },
    "version", "error", "input", "created_at", "started_at", "finished_at",
)


def paged(shape: Shape) -> Shape:
    return {"data": [shape], "next_cursor": maybe(TEXT), "has_more": FLAG}


ANSWERS: dict[str, Shape] = {
    "G-02": plus(
        {
            "id": TEXT, "title": maybe(TEXT), "model": maybe(TEXT), "voice_id": maybe(TEXT), "messages": [MESSAGE],
            "created_at": TIME, "updated_at": TIME,
        },
        "message_count",
    ),
    "G-04": plus(
        {"id": TEXT, "edit_token": TEXT, "title": TEXT, "content": TEXT, "created_at": TIME, "updated_at": TIME},
        "voice_id", "model", "version", "revision", "status", "published_at", "published_version",
        "edit_token_expires_at", "live_url",
    ),
    "G-05": plus({"command": TEXT, "output": TEXT, "version": WHOLE}, "revision", "cost_usd"),
    "G-06": paged(
        plus(
            {"id": TEXT, "version": WHOLE, "content": TEXT, "created_at": TIME, "command": maybe(TEXT)},
            "title", "author", "output", "updated_at",
        )
    ),
    "G-07": VOICE,
    "G-08": paged(VOICE),
    "G-09": VOICE,
    "G-10": plus(
        {
            "id": TEXT, "embed_key": TEXT, "name": TEXT, "knowledge_base_id": maybe(ID), "voice_id": maybe(TEXT),
            "instructions": TEXT, "model": maybe(TEXT),
        },
        "embed_url", "created_at", "updated_at",
    ),
    "G-11": {"conversation_id": TEXT, "message": MESSAGE, "intent": TEXT, "escalated": FLAG},
    "G-12": paged(
        plus(
            {"id": TEXT, "intent": maybe(TEXT), "escalated": FLAG, "csat": maybe(WHOLE), "created_at": TIME},
            "source", "user_id", "title", "escalation_reason", "csat_comment", "message_count", "last_message_at",
        )
    ),
    "G-13": plus({"id": TEXT, "name": TEXT, "version": WHOLE}, "definition", "created_at", "updated_at"),
    "G-14": RUN,
    "G-15": RUN,
}
