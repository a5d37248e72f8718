"""Shapes that documented requests and answers share."""

from tests.contract.shape import ANY, FLAG, ID, NUMBER, TEXT, WHOLE, Shape, maybe, one_of, pairs

SPAN = maybe(TEXT)  # untyped in the document; read as "hh:mm:ss" or null

CLIENT_PARAMETERS: dict[str, Shape] = {
    "languageCode": maybe(TEXT),
    "suggestionButtons": [{"label": TEXT, "prompt": TEXT}],
    "customScripts": maybe(TEXT),
    "customStyles": maybe(TEXT),
    "inputModes": [one_of("Image", "Document", "Audio")],
    "primaryColor": TEXT,
    "pageTitle": TEXT,
    "helloLabel": maybe(TEXT),
    "helloSubLabel": maybe(TEXT),
    "textAreaPlaceholder": maybe(TEXT),
    "logoImageUrl": maybe(TEXT),
    "debug": FLAG,
    "showToolCalls": FLAG,
    "allowedFrameOrigins": [TEXT],
    "audioSynthesisSource": one_of("None", "Gpt4oTts", "ElevenMultilingualV2", "ElevenV3"),
    "audioSynthesisVoice": maybe(TEXT),
    "audioSynthesisInstruction": maybe(TEXT),
    "summarizeTextBeforeAudioSynthesis": FLAG,
    "uploadUnsupportedFiles": FLAG,
    "allowScheduledContinuations": FLAG,
    "splitAnswerIntoMessageChunks": FLAG,
    "maxScheduledIgnoredZone": SPAN,
    "messageDebounceInterval": SPAN,
}
LIMITS: dict[str, Shape] = {"messagesPerHour": WHOLE, "maxMessages": WHOLE}
INTEGRATIONS: dict[str, dict[str, Shape]] = {
    "zapiIntegration": {
        "instanceId": TEXT, "instanceToken": TEXT, "clientToken": maybe(TEXT), "sessionDuration": SPAN,
    },
    "telegramIntegration": {"botToken": TEXT, "sessionDuration": SPAN},
    "evolutionIntegration": {"endpointUrl": TEXT, "instanceName": TEXT, "apiKey": TEXT, "sessionDuration": SPAN},
    "kapsoIntegration": {
        "apiKey": TEXT, "phoneNumberId": TEXT, "webhookSecretKey": maybe(TEXT),
        "continuedMessagesTemplateId": maybe(TEXT), "sessionDuration": SPAN,
    },
}
SOURCE: dict[str, Shape] = {
    "name": TEXT, "description": maybe(TEXT), "url": TEXT, "headers": pairs(TEXT), "cacheDuration": WHOLE,
}
SKILL_OPTIONS: dict[str, Shape] = {"instructionSources": [SOURCE], "allowedToolsNames": [TEXT]}
FLAGS = (
    "NoSystemInstruct", "NoTemperature", "ThinkingProcess", "NoAssistantPrefilling", "ReturnReasoningTokens",
    "DisableMultiModalInput", "DiffusingStream", "OpenAiStrictJson", "StructuredOutputSupport",
    "PreserveThinkingTokens", "NoStopParameter", "NoReasoningEffort", "RewriteToolCallsAsUserMessages",
    "DisableReasoningSummary", "DisableReasoningDetails", "IncludeStoredReasoning", "StrictUserAssistantTurns",
)
BUILTINS = (
    "WebSearch", "Code", "OpenUrl", "Remember", "ImageGeneration", "XPostsSearch", "GenerateDocument",
    "GenerateWebPage", "AdvancedWebUsage", "Request", "Calendar", "Choices", "AskForHuman",
)
MULTIMODAL = ("Image", "Audio", "Video", "File", "OtherFiles", "All")
STRATEGIES = ("Plain", "Concatenate", "FullRewrite", "UserRewrite", "QueryFunction")
GATEWAY: dict[str, Shape] = {
    "baseAddress": TEXT,
    "skills": [ID],
    "hideToolsWithoutSkill": FLAG,
    "alwaysVisibleTools": [TEXT],
    "enableBash": FLAG,
    "bashOptions": maybe(
        {"allowDataPersistence": FLAG, "toolList": [TEXT], "toolExclusionMode": one_of("WhiteList", "BlackList")}
    ),
    "knowledgeCollections": [ID],
    "knowledgeBaseMaximumResults": WHOLE,
    "knowledgeBaseMinimumScore": NUMBER,
    "knowledgeUseReferences": FLAG,
    "knowledgeUseMetaDescriptions": FLAG,
    "queryStrategy": one_of(*STRATEGIES),
    "queryStrategyParameters": {"rewriteContextSize": WHOLE, "concatenateContextSize": WHOLE},
    "apiKey": maybe(TEXT),
    "modelName": TEXT,
    "temperature": maybe(NUMBER),
    "topP": maybe(NUMBER),
    "presencePenalty": maybe(NUMBER),
    "frequencyPenalty": maybe(NUMBER),
    "stop": maybe(TEXT),
    "maxCompletionTokens": maybe(WHOLE),
    "contextMaximumSize": maybe(WHOLE),
    "contextOverflowAction": one_of("Throw", "Truncate"),
    "systemInstruction": maybe(TEXT),
    "workerScriptSource": maybe(TEXT),
    "userPromptTemplate": maybe(TEXT),
    "assistantPrefill": maybe(TEXT),
    "includePrefillingInMessages": FLAG,
    "reasoningEffort": maybe(TEXT),
    "verbosity": maybe(TEXT),
    "flags": [one_of(*FLAGS)],
    "tools": maybe([ANY]),
    "protocolFunctions": [
        {"name": TEXT, "description": TEXT, "headers": pairs(TEXT), "callbackUrl": TEXT, "contentFormat": ANY}
    ],
    "protocolFunctionSources": [TEXT],
    "mcpSources": [SOURCE],
    "systemInstructionsSources": [SOURCE],
    "enabledMultimodalFeatures": [one_of(*MULTIMODAL)],
    "toolContextCount": maybe(WHOLE),
    "sentinelOptions": maybe({"enabledFunctions": [one_of(*BUILTINS)]}),
    "builtinFunctionsOptions": maybe(
        {
            "webSearchMode": one_of("Full", "Summarized"),
            "webSearchMaxResults": WHOLE,
            "imageGenerationMaxResults": WHOLE,
            "imageGenerationQuality": one_of("Low", "Medium", "High", "Highest"),
            "imageGenerationAllowMatureContent": FLAG,
            "imageGenerationAllowReferenceUsage": FLAG,
            "imageGenerationModelName": maybe(TEXT),
            "includeAllMemoryContext": FLAG,
        }
    ),
    "moderationParameters": maybe(
        {
            "violenceThreshold": WHOLE,
            "sexualExplicitThreshold": WHOLE,
            "politicalThreshold": WHOLE,
            "dangerousContentThreshold": WHOLE,
            "jailbreakThreshold": WHOLE,
        }
    ),
    "knownToolHandlerName": maybe(TEXT),
    "toolInvocationExplanations": FLAG,
    "modelRoutingParameters": maybe(
        {
            "lowComplexityModelName": TEXT,
            "lowComplexityModelReasoningEffort": maybe(TEXT),
            "mediumComplexityModelName": TEXT,
            "mediumComplexityModelReasoningEffort": maybe(TEXT),
            "highComplexityModelName": TEXT,
            "highComplexityModelReasoningEffort": maybe(TEXT),
        }
    ),
    "additionalSettings": maybe(pairs(ANY)),
}
