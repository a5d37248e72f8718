"""Documented answers of status 200. A sentence stands where the document prints only that."""

from tests.contract.parts import CLIENT_PARAMETERS, GATEWAY, INTEGRATIONS, LIMITS, SKILL_OPTIONS
from tests.contract.shape import ANY, FLAG, ID, NUMBER, TEXT, TIME, WHOLE, Shape, maybe, one_of, pairs, plus

# Parameters of ours, shown where they are set.
RULES = ("outputRules", "outputBlockedText", "providerMasking")
MEMORY = one_of("Text", "DateReminder")
INDEXED = one_of("Queued", "Cancelled", "Indexed", "Failed")
TARGET = one_of("Telegram", "WhatsApp_ZApi", "WhatsApp_Evolution", "WhatsApp_Kapso", "WebChat")
IMPORTED: Shape = {"enqueued": WHOLE, "skipped": WHOLE}
SCHEDULE: dict[str, Shape] = {
    "id": ID, "externalUserId": TEXT, "target": TARGET, "targetIdentifier": TEXT, "scheduledTime": TIME,
    "activatedAt": maybe(TIME), "createdAt": TIME,
}
RECURRING: dict[str, Shape] = {
    "id": ID, "externalUserId": TEXT, "target": TARGET, "targetIdentifier": TEXT, "cronExpression": TEXT,
    "nextActivation": maybe(TIME), "lastActivation": maybe(TIME), "executionCount": WHOLE, "createdAt": TIME,
}
COLLECTION: dict[str, Shape] = {
    "name": TEXT, "createdAt": TIME, "tags": [TEXT],
    "state": plus({"total": WHOLE, "indexed": WHOLE, "queued": WHOLE}, "cancelled", "failed"),
}
# A gateway has beside the documented fields what else its model needs.
BESIDE = (
    "fallbackModels", "timeLimits", "transportInterface", "providerHeaders", "deployments", "loadBalancing", "tries",
    "promptCache", "answerCacheSeconds", "transcriptionModel",
)
# Beside the documented fields an integration tells how it stands with its network.
OF_OURS = ("sendMode", "groups", "whenUnknown", "presence", "webhookUrl", "state", "stateText", "connection", "choices")
# Networks beside the documented four.
OTHER_NETWORKS = ("whatsAppCloudIntegration", "webhookIntegration")

ANSWERS: dict[str, Shape] = {
    "A-01": plus({
        "object": one_of("list"),
        "data": [plus(
            {"id": TEXT, "object": one_of("model"), "created": WHOLE, "owned_by": TEXT}, "badges", "display_name",
            "slug", "type", "created_at",
        )],
    }, "first_id", "last_id", "has_more"),
    "A-02": {
        "id": ID,
        "object": one_of("chat.completion"),
        "created": WHOLE,
        "model": TEXT,
        "choices": [
            {
                "index": WHOLE,
                "message": {
                    "role": one_of("assistant"), "content": maybe(TEXT), "refusal": maybe(TEXT), "annotations": [ANY],
                    "tool_calls": [ANY],
                },
                "logprobs": maybe(ANY),
                "finish_reason": one_of("stop", "length", "tool_calls", "content_filter"),
            }
        ],
        "usage": {
            "prompt_tokens": WHOLE, "completion_tokens": WHOLE, "total_tokens": WHOLE,
            "prompt_tokens_details": {"cached_tokens": WHOLE},
        },
        "service_tier": one_of("default"),
        "generation_context": {
            "generated_usage": [
                {"sku": TEXT, "amount": NUMBER, "unit_price": NUMBER, "quantity": WHOLE, "description": TEXT}
            ],
            "runned_functions": [ANY],
        },
    },
    "A-03": {
        "webChat": {"id": ID, "name": TEXT},
        "inactiveUsers": [
            {"externalUserId": TEXT, "lastScheduledMessageAt": TIME, "lastUserMessageAt": maybe(TIME)}
        ],
        "schedules": [plus(SCHEDULE, "state")],
        "recurringTasks": [plus(RECURRING, "state")],
    },
    "A-04": plus(
        SCHEDULE
        | {"reason": TEXT, "context": maybe(TEXT), "activatedSessionId": maybe(ID), "activationResult": maybe(TEXT)},
        "state", "timeZone", "catchUp", "catchUpWithin", "activationId", "waitingUntil", "expectedActivation", "policy",
    ),
    "A-05": "Schedule cancelled.",
    "A-06": plus(
        RECURRING | {"jobDescription": TEXT, "maxExecutions": maybe(WHOLE)},
        "state", "context", "timeZone", "every", "everyUnit", "inWords", "catchUp", "catchUpWithin",
        "activatedSessionId", "activationResult", "activationId", "expectedActivation", "policy",
    ),
    "A-07": "Recurring task cancelled.",
    "A-08": [
        {
            "id": ID, "name": TEXT, "color": maybe(TEXT), "activeSessions": WHOLE,
            "associatedGateway": maybe({"id": ID, "name": TEXT, "modelName": TEXT}),
        }
    ],
    "A-09": {"id": ID},
    "A-10": {
        "name": TEXT,
        "aiGateway": maybe({"id": ID, "name": TEXT}),
        "limitingParameters": LIMITS,
        "clientParameters": plus(CLIENT_PARAMETERS, "timeZone", "identityPublicKey", "allowedMediaOrigins",
                                 "modelPatienceSeconds", "voiceAnswers", "acknowledgement", "preChat",
                                 "visitorTyping", "widgetSound"),
        "integrations": plus(
            {name: maybe(plus(fields, *OF_OURS)) for name, fields in INTEGRATIONS.items()}, *OTHER_NETWORKS
        ),
    },
    "A-11": "Web client updated successfully.",
    "A-12": "Web client deleted successfully.",
    "A-13": "Web client integrations updated successfully.",
    "A-14": "Web client integration deleted successfully.",
    "A-15": {"sessionId": ID, "accessKey": TEXT, "talkUrl": TEXT},
    "A-16": [
        plus(
            {
                "id": ID, "tagName": maybe(TEXT), "contextPreview": maybe(TEXT), "sessionKey": TEXT, "createdAt": TIME,
                "lastMessage": maybe(TIME), "messageCount": WHOLE, "tokenCount": WHOLE,
            },
            "kind", "channel", "title", "expiresAt", "active", "handoff",
        )
    ],
    "A-17": "Session ended and deleted.",
    "A-18": [{"id": ID, "createdAt": TIME, "slug": TEXT, "description": maybe(TEXT), "allowedToolsCount": WHOLE}],
    "A-19": {"message": one_of("Skill created successfully."), "data": {"id": ID}},
    "A-20": {
        "id": ID, "createdAt": TIME, "slug": TEXT, "description": maybe(TEXT), "instructions": TEXT,
        "options": SKILL_OPTIONS,
    },
    "A-21": "Skill updated successfully.",
    "A-22": "Skill deleted successfully.",
    "A-23": "Skills cleared successfully.",
    "A-24": plus(IMPORTED, "errors"),
    "A-27": "File uploaded successfully.",
    "A-28": "File deleted successfully.",
    "A-29": {
        "entries": [
            {
                "name": TEXT, "isDirectory": FLAG, "size": maybe(WHOLE), "lastModifiedUtc": TIME, "createdAtUtc": TIME,
            }
        ]
    },
    "A-30": "Directory created successfully.",
    "A-31": "Directory deleted successfully.",
    "A-32": {
        "data": {
            "name": TEXT, "size": WHOLE, "createdAtUtc": TIME, "lastModifiedUtc": TIME, "mimeType": TEXT,
            "isPlainText": FLAG,
        }
    },
    "A-33": {"data": {"name": TEXT, "size": WHOLE, "publicUrl": TEXT}},
    "A-34": [
        plus(
            {
                "documentId": ID, "documentName": TEXT, "documentContent": TEXT, "score": NUMBER,
                "metadata": pairs(ANY), "referencedDocuments": [{"documentId": ID, "documentContent": TEXT}],
            },
            "collectionId",
        )
    ],
    "A-35": {
        "messages": [
            plus(
                {"role": TEXT, "content": TEXT, "message_id": TEXT}, "source", "created_at", "text", "attachments",
                "tools", "turn_id", "client_message_id", "stopped", "choices",
            )
        ],
        "chatTitle": maybe(TEXT),
        "culture": pairs(TEXT),
        "client": plus(
            {
                "customScripts": maybe(TEXT), "customStyles": maybe(TEXT), "helloLabel": maybe(TEXT),
                "helloSubLabel": maybe(TEXT), "logoImageUrl": maybe(TEXT), "primaryColor": TEXT, "inputModes": [TEXT],
                "pageTitle": TEXT, "suggestionButtons": [{"label": TEXT, "prompt": TEXT}], "debug": FLAG,
                "textAreaPlaceholder": maybe(TEXT), "audioSynthesisEnabled": FLAG,
            },
            "showToolCalls", "uploadUnsupportedFiles", "languageCode",
        ),
        "chatCreationData": maybe({"tag": maybe(TEXT), "createdAt": TIME}),
    },
    "A-36": {"message": one_of("Inference cancelled.")},
    "A-38": plus(
        {
            "completionText": TEXT,
            "reasoning": maybe(TEXT),
            "toolCalls": [{"id": TEXT, "functionName": TEXT, "contents": TEXT, "isProtocolFunction": FLAG}],
            "usage": {"promptTokens": WHOLE, "completionTokens": WHOLE, "totalTokens": WHOLE},
        },
        "createdMessages",
    ),
    "A-39": {
        "messages": [{"role": TEXT, "content": TEXT}], "context": maybe(TEXT), "sessionId": ID, "metadata": pairs(TEXT),
    },
    "A-40": [{"id": ID, "externalUserId": TEXT, "content": maybe(TEXT), "format": MEMORY}],
    "A-41": {
        "message": one_of("Memories deleted successfully."), "removedCount": WHOLE, "externalUserId": TEXT,
        "format": MEMORY,
    },
    "A-42": {
        "id": ID, "externalUserId": TEXT, "content": TEXT, "format": MEMORY, "createdAt": TIME, "expiresAt": TIME,
    },
    "A-43": [plus({"id": ID} | COLLECTION, "context", "updatedAt", "progress")],
    "A-44": {"collectionId": ID},
    "A-45": "Collection saved successfully.",
    "A-46": plus(COLLECTION, "id", "context", "updatedAt", "progress"),
    "A-47": "Collection deleted successfully.",
    "A-48": "Collection cleaned successfully.",
    "A-49": "Outdated documents enqueued.",
    "A-51": [
        {
            "id": ID, "updatedAt": TIME, "name": TEXT, "reference": maybe(TEXT), "tags": [TEXT],
            "contentsPreview": TEXT, "indexState": INDEXED,
        }
    ],
    "A-52": plus(IMPORTED, "indexed", "reasons", "errors"),
    "A-53": {"documentId": ID, "state": one_of("Created", "Modified", "Unchanged")},
    "A-54": plus(
        {
            "id": ID, "name": TEXT, "state": INDEXED, "contents": TEXT, "reference": maybe(TEXT), "tags": [TEXT],
            "createdAt": TIME, "updatedAt": TIME, "indexedAt": maybe(TIME), "characterCount": WHOLE,
            "wordCount": WHOLE, "approximateTokenCount": WHOLE, "metadata": pairs(ANY),
        },
        "error", "pieces", "piecesDone", "notes",
    ),
    "A-55": "Document removed.",
    "A-56": {"aiGatewayId": ID},
    "A-57": [{"id": ID, "name": TEXT, "inferenceEndpoint": TEXT, "modelName": TEXT, "slug": TEXT}],
    "A-58": "The AI gateway was edited successfully.",
    "A-59": {"name": TEXT, "slug": TEXT, "parameters": plus(GATEWAY, *BESIDE, *RULES)},
    "A-60": "The AI gateway was deleted successfully.",
    "A-61": "Parameters updated successfully.",
    "A-62": "Salt rolled successfully.",
    "A-63": {
        "apiKeys": [
            plus(
                {"id": ID, "expiresAt": maybe(TIME), "usedAt": maybe(TIME), "label": TEXT, "key": TEXT},
                "type", "role",
            )
        ],
        "salt": TEXT,
    },
    "A-64": {"grantKey": TEXT},
    "A-65": "API key deleted successfully.",
}
# Answers that are no JSON of a shape: files, lines of JSON, nothing.
OTHERWISE = {"A-25", "A-26", "A-37", "A-50"}
