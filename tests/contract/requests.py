"""Documented bodies of requests. What the documents of single features add is in api.md 1A.13."""

from tests.contract.parts import BUILTINS, CLIENT_PARAMETERS, GATEWAY, INTEGRATIONS, LIMITS, SKILL_OPTIONS
from tests.contract.shape import ANY, FLAG, ID, NUMBER, TEXT, WHOLE, Shape, maybe, one_of, pairs

CLIENT: Shape = {
    "name": TEXT, "aiGatewayId": maybe(ID), "limitingParameters": LIMITS, "clientParameters": CLIENT_PARAMETERS,
}
SKILL: Shape = {"slug": TEXT, "description": maybe(TEXT), "instructions": TEXT, "options": SKILL_OPTIONS}
COLLECTION: Shape = {"collectionName": TEXT, "context": maybe(TEXT), "tags": maybe(TEXT)}
GATEWAY_BODY: Shape = {"name": TEXT, "parameters": GATEWAY}
COMPLETION: Shape = {
    "model": TEXT,
    "messages": [{"role": TEXT, "content": ANY}],
    "stream": FLAG,
    "metadata": pairs(TEXT),
    "prompt": TEXT,
    "temperature": NUMBER,
    "top_p": NUMBER,
    "top_k": WHOLE,
    "seed": WHOLE,
    "stop": ANY,
    "max_completion_tokens": WHOLE,
    "max_tokens": WHOLE,
    "presence_penalty": NUMBER,
    "frequency_penalty": NUMBER,
    "reasoning_effort": TEXT,
    "verbosity": TEXT,
    "tools": [ANY],
    "user": TEXT,
    "idempotency_key": TEXT,
    "response_format": {"type": TEXT, "json_schema": ANY, "healing_options": {"max_attempts": WHOLE}},
    "response_schema": ANY,
    "json_only": FLAG,
    "builtin_tools": {
        "tools": [one_of(*BUILTINS)],
        "options": {
            "web_search_mode": TEXT,
            "web_search_max_results": WHOLE,
            "include_all_memory_context": FLAG,
            "image_generation_model_name": TEXT,
            "image_generation_allow_reference_usage": FLAG,
            "image_generation_quality": TEXT,
            "image_generation_max_results": WHOLE,
            "image_generation_allow_mature_content": FLAG,
        },
    },
    "multimodal_preprocess": ANY,
    "tool_invocation_explanations": FLAG,
    "rendering_mode": TEXT,
    "extra_body": ANY,
}
REQUESTS: dict[str, Shape] = {
    "A-02": COMPLETION,
    "A-09": CLIENT,
    "A-11": CLIENT,
    "A-13": {
        "integrationType": one_of("Zapi", "Telegram", "EvolutionApi", "Kapso"),
        "integrations": {name: maybe(fields) for name, fields in INTEGRATIONS.items()},
    },
    "A-15": {
        "extraContext": maybe(TEXT), "tag": maybe(TEXT), "expires": NUMBER, "contextLocation": maybe(TEXT),
        "metadata": maybe(pairs(TEXT)),
    },
    "A-19": SKILL,
    "A-21": SKILL,
    "A-34": {
        "terms": [TEXT], "term": TEXT, "collections": [ID], "top": WHOLE, "minScore": NUMBER,
        "includeReferences": FLAG, "reranker": one_of("rrf", "lexical", "smart", "none"),
    },
    "A-38": {"prompt": {"role": TEXT, "content": ANY}, "commit": FLAG, "instructions": ANY},
    "A-44": COLLECTION,
    "A-45": COLLECTION,
    "A-53": {
        "contents": TEXT, "name": TEXT, "reference": maybe(TEXT), "tags": maybe([TEXT]), "metadata": maybe(pairs(ANY)),
    },
    "A-56": GATEWAY_BODY,
    "A-58": GATEWAY_BODY,
    "A-61": {"name": TEXT, "parameters": {"allowConversationsLogging": FLAG, "automaticJsonHealing": FLAG}},
    "A-64": {"label": TEXT, "duration": WHOLE, "type": one_of("private", "public")},
}
