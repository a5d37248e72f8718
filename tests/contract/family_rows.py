"""The documented rows of ARES (R) and Characters (C), and their answers. What a document leaves open is told
in `templates/manual`."""

from tests.contract.rows import Row
from tests.contract.shape import ID, NUMBER, TEXT, TIME, WHOLE, Shape, maybe, plus

TALKS, CHARACTERS = "/api/conversations", "/api/v1/conversations"
MESSAGES = CHARACTERS + "/<conversation_id>/messages"

ROWS = {
    "R-01": Row("POST", "/api/chat", (200, 400, 401, 404, 500, 502)),
    "R-02": Row("POST", "/api/chat/stream", (200, 400, 401, 404, 500, 502)),
    "R-03": Row("GET", TALKS, (200, 401)),
    "R-04": Row("GET", TALKS + "/<id>", (200, 401, 404)),
    "R-05": Row("PUT", TALKS + "/<id>", (200, 401, 404)),
    "R-06": Row("DELETE", TALKS + "/<id>", (204, 401, 404)),
    "R-07": Row("GET", "/api/memory", (200, 401)),
    "C-01": Row("GET", "/api/v1/models", (200, 400, 401, 500), ("type",)),
    "C-02": Row("POST", "/api/v1/completions", (200, 400, 401, 402, 404, 500)),
    "C-03": Row("GET", CHARACTERS, (200, 401, 500)),
    "C-04": Row("POST", CHARACTERS, (201, 400, 401, 404, 500)),
    "C-05": Row("GET", CHARACTERS + "/<id>", (200, 401, 404, 500)),
    "C-06": Row("GET", MESSAGES, (200, 401, 404, 500)),
    "C-07": Row("POST", MESSAGES, (201, 400, 401, 402, 404, 500)),
    "C-08": Row("GET", "/api/v1/agents", (200, 401, 500)),
    "C-09": Row("POST", "/api/v1/agents", (201, 400, 401, 402, 404, 500)),
    "C-10": Row("GET", "/api/v1/agents/<id>", (200, 401, 404, 500)),
    "C-11": Row("GET", "/api/v1/images", (200, 400, 401, 500), (), ("page", "page_size")),
    "C-12": Row("POST", "/api/v1/images", (201, 400, 401, 402, 404, 500)),
}
MESSAGE: dict[str, Shape] = {"id": TEXT, "content": TEXT, "role": TEXT, "created_at": TIME}
CONVERSATION: dict[str, Shape] = {
    "id": TEXT, "title": TEXT, "system_prompt": maybe(TEXT), "llm_id": TEXT, "last_message_at": TIME,
    "agent_id": maybe(TEXT),
}
AGENT: dict[str, Shape] = {
    "id": TEXT, "name": TEXT, "appearance_prompt": TEXT, "personality_prompt": TEXT, "description": TEXT,
}
IMAGE: dict[str, Shape] = {"id": TEXT, "prompt": TEXT, "url": TEXT, "created_at": TIME}
FACT: dict[str, Shape] = {
    "id": ID, "user_id": ID, "category": TEXT, "fact_key": TEXT, "fact_value": TEXT, "confidence": NUMBER,
    "created_at": TIME, "updated_at": TIME,
}
ANSWERS: dict[str, Shape] = {
    "R-01": {
        "response": TEXT, "agent": TEXT, "context_id": TEXT,
        "sources": maybe([{"title": TEXT, "url": maybe(TEXT), "relevance_score": NUMBER}]),
    },
    "R-03": [{"id": TEXT, "title": maybe(TEXT), "message_count": WHOLE, "created_at": TIME, "updated_at": TIME}],
    "R-04": {
        "id": TEXT, "title": maybe(TEXT), "created_at": TIME, "updated_at": TIME,
        "messages": [{"id": ID, "role": TEXT, "content": TEXT, "created_at": TIME}],
    },
    "R-05": plus({}, "success"),
    "R-07": {
        "user_id": ID, "facts": [FACT],
        "preferences": [{"category": TEXT, "key": TEXT, "value": TEXT, "confidence": NUMBER}],
    },
    "C-01": [plus({"id": TEXT, "name": TEXT}, "max_context", "cost_per_1k_tokens")],
    "C-02": MESSAGE,
    "C-03": [CONVERSATION],
    "C-04": CONVERSATION,
    "C-05": CONVERSATION,
    "C-06": [plus(MESSAGE, "image")],
    "C-07": plus(MESSAGE, "thoughts"),
    "C-08": [plus(AGENT, "avatar_url")],
    "C-09": plus(AGENT, "avatar_url"),
    "C-10": plus(AGENT, "avatar_url"),
    "C-11": {
        "data": [IMAGE],
        "pagination": {
            "total_items": WHOLE, "current_page": WHOLE, "page_size": WHOLE, "total_pages": WHOLE,
            "next_page": maybe(WHOLE), "prev_page": maybe(WHOLE),
        },
    },
    "C-12": IMAGE,
}
