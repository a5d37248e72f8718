"""Questions about what one may ask: "What can you do?", in three languages. Pure."""

import re

from hub.language.folding import fold

# Whole messages, folded: whoever asks about one thing more asks about that thing.
ASKED = (
    r"(?:so |and )?what (?:all )?(?:can|could) you (?:do|tell me|answer|help (?:me |us )?with)(?: for me| for us)?",
    r"(?:what|which) (?:questions )?(?:can|may|should) i ask(?: you)?(?: about| here)?",
    r"(?:what|which) (?:questions|topics) (?:can|do) you (?:answer|know|cover)(?: about)?",
    r"what do you know(?: about)?", r"what are you (?:for|good for|able to do)",
    r"(?:please )?help(?: me)?(?: please)?", r"(?:how|what) can you help(?: me| us)?(?: with)?",
    r"what is this(?: chat| bot)?(?: for)?", r"/help",
    r"o que (?:e que )?(?:voce|vc|tu) (?:pode|consegue|sabe|podes|sabes)(?: (?:fazer|responder|dizer))?(?: por mim)?",
    r"(?:em|com) (?:o )?que (?:voce |vc )?pode(?: me)? ajudar(?: me)?",
    r"como (?:voce |vc )?(?:pode|consegue)(?: me)? ajudar", r"o que (?:eu )?posso (?:te )?perguntar(?: aqui)?",
    r"(?:que|quais) perguntas (?:eu )?(?:posso fazer|voce responde|voce sabe responder)",
    r"(?:me )?ajuda(?: por favor)?", r"que (?:puedes|sabes)(?: hacer| responder| decirme)?(?: por mi)?",
    r"(?:en|con) que (?:me )?puedes ayudar(?:me)?", r"como (?:me )?puedes ayudar(?:me)?",
    r"que (?:te )?puedo preguntar(?:te)?(?: aqui)?",
    r"(?:que|cuales) preguntas (?:puedo hacer|puedes responder|respondes)", r"ayuda(?: por favor)?", r"ayudame",
)
_ASKED = re.compile("|".join(f"(?:{one})" for one in ASKED))
_MARKS = re.compile(r"[^\w/]+")


def asks_what_you_do(text: str) -> bool:
    """Whether the message asks what may be asked, and nothing else."""
    return len(text) < 100 and bool(_ASKED.fullmatch(" ".join(_MARKS.sub(" ", fold(text)).split())))
