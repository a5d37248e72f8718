"""Text that speaks to an assistant instead of telling something: planted in documents, it is never an answer. Pure."""

import re

from hub.language.folding import fold

_ORDERS = re.compile(
    r"""
    \b(?:ignor\w*|desconsider\w*|esquec\w*|disregard|forget|olvid\w*|override|bypass|sobrescrev\w*|descart\w*)\b
        [^.!?\n]{0,60}\b(?:instruc\w*|instruct\w*|prompt\w*|regras|rules|reglas|orientac\w*|diretriz\w*|guidelines
        |mensage\w*\santerior\w*|previous\smessages?|tudo\sacima|everything\sabove|all\sabove|o\sacima|the\sabove)\b
  | \b(?:instruc\w*|instruct\w*|regras|reglas|rules)\s(?:anterior\w*|previas|previous|acima|above|prior|do\ssistema)\b
  | \b(?:previous|prior|above|system|hidden|secret)\s(?:instructions?|prompts?)\b
  | \b(?:system|developer)\s?(?:prompt|message|note|override|instruction)\b
  | \b(?:mensagem|aviso|nota|instruc\w*|prompt|mensaje)\s(?:de|do|del|para\s(?:o|a|el|la)|ao|al)\s
        (?:sistema|assistente|asistente|bot|chatbot|robo|modelo|ia)\b
  | (?:^|\n)\W*(?:system|assistant|sistema|assistente|asistente|ai|ia|llm|bot|chatbot)\s?[:>\]]
  | \b(?:note|attention|message|instructions?|notice|important)[\s,]+(?:to|for)\s(?:the\s|any\s|all\s)?
        (?:ai|assistants?|chat\s?bots?|bots?|llms?|language\smodels?|models?)\b
  | \b(?:you\sare\snow|from\snow\son\s?,?\syou|pretend\s(?:to\sbe|you)|act\sas\s(?:an?|if)|voce\s(?:agora\s)?e\sum[a]?\s
        (?:assistente|bot|chatbot|ia|modelo|robo)|voce\sagora\se|eres\s(?:ahora\s)?un[a]?\s(?:asistente|bot|chatbot|ia|modelo)
        |you\sare\san?\s(?:ai|assistant|chat\s?bot|bot|llm|language\smodel)|as\san\sai\b|como\s(?:uma\s)?ia\b
        |a\spartir\sde\sagora\s?,?\svoce|a\spartir\sde\sahora)\b
  | \b(?:tell|inform|send|give|show|ask)\s(?:to\s)?(?:the\s|every\s|all\s|any\s)?(?:user|users|customer|customers|visitor
        |visitors|client|clients|person)\s(?:that|to|this|the|about|their|for|a)\b
  | \b(?:diga|informe|responda|mande|envie|avise|peca|recomende|ofereca|fale|passe|conte)\s(?:sempre\s)?(?:ao|aos|para\s(?:o|os)|a\stodos\sos)\s
        (?:usuario|usuarios|cliente|clientes|visitante|visitantes)\b
  | \b(?:dile|diles|informa|responde|envia|envie|diga|pide|avisa|recomienda)\s(?:siempre\s)?(?:al|a\slos)\s(?:usuario|usuarios|cliente|clientes
        |visitante|visitantes)\b
  | \b(?:when|if|whenever|quando|se|cuando|si)\b[^.!?\n]{0,50}\b(?:asks?|asked|perguntar\w*|pergunte\w*|pregunt\w*)\b[^.!?\n]{0,40}
        \b(?:say|answer|reply|respond|tell|responda\w*|diga\w*|fale|responde\w*|di|dile)\b
  | (?:^|[.!?:\n]\s*)(?:always\s|only\s|please\s|now\s)*(?:respond|reply|answer)\s(?:only\s|always\s|exactly\s)?(?:with|using)\b
  | \b(?:responda|responde|responder)\s(?:apenas|somente|sempre|solo|siempre|unicamente|exatamente)\b
  | \b(?:do\snot|don't|never|nao|nunca|no)\s(?:reveal|mention|disclose|tell|revele\w*|revela|mencione\w*|menciona|conte|divulgue)\b
        [^.!?\n]{0,40}\b(?:instruc\w*|instruct\w*|prompt|this|isso|isto|esto|rule|regra)\b
  | <\|?\s?(?:im_start|im_end|system|endoftext)\b
  | \bjailbreak\b|\bprompt\sinjection\b|\bdan\smode\b
    """,
    re.VERBOSE,
)


def to_an_assistant(text: str) -> bool:
    """Whether a text tells an assistant what to do or say."""
    return bool(_ORDERS.search(fold(text)))
