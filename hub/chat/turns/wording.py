"""In which language a turn's own words are, and what they are where the model has none."""

from hub.chat import texts
from hub.runtime import Hub
from hub.store.turns import Claim


def language(claimed: Claim) -> str:
    """The chat client's, else the contact's, else the phone number's country's."""
    contact = claimed.contact or {}
    return texts.language(
        claimed.client["parameters"].get("languageCode"), contact.get("language"), texts.by_phone(contact.get("phone"))
    )


def fallback(hub: Hub, claimed: Claim) -> str:
    """What is said where there is no answer."""
    return hub.settings.fallback_text or texts.say("fallback", language(claimed))


def title(claimed: Claim) -> str | None:
    """The beginning of the first message, in 58 characters at most."""
    words = " ".join(str(claimed.batch[0]["body"].get("text", "")).split()) if claimed.batch else ""
    return (words[:57] + "…" if len(words) > 58 else words) or None
