"""The Cloud API's error codes: which heal by waiting and which never do."""

# Seconds to wait; the code decides, since the HTTP status differs between Meta and proxies.
RETRY = {
    2: 5.0,  # service
    4: 60.0,  # calls of the app
    80007: 60.0,  # calls of the business account
    130429: 10.0,  # throughput of the number
    131000: 5.0,  # something went wrong
    131016: 5.0,  # service unavailable
    131048: 600.0,  # too much of it was reported as spam
    131056: 6.0,  # one message in six seconds to the same person
}
WORDS = {
    131047: ("window_closed", "More than 24 hours have passed since the contact last wrote."),
    131026: ("not_on_whatsapp", "The message cannot be delivered to this number."),
    131049: ("not_delivered", "Meta limits how many such messages this person gets."),
    131050: ("opted_out", "The person does not want marketing messages from this number."),
    131051: ("unsupported", "WhatsApp does not know this kind of message."),
    131052: ("media_refused", "WhatsApp could not fetch the file."),
    131053: ("media_refused", "WhatsApp did not accept the file."),
    132015: ("template_paused", "The template is paused by WhatsApp, mostly because people reported it."),
    132016: ("template_disabled", "The template is disabled by WhatsApp."),
    131031: ("account_locked", "The WhatsApp account is locked."),
    130497: ("country", "This business may not write to people in that country."),
    368: ("account_blocked", "The WhatsApp account is blocked for breaking a policy."),
    190: ("unauthorized", "Meta refused the access token behind the number."),
    100: ("bad_request", "WhatsApp did not accept the message's content."),
    10: ("unauthorized", "The number's permissions do not allow this."),
    130429: ("rate_limited", "Too many messages are sent from this number."),
    131056: ("rate_limited", "Too many messages are sent to this person."),
    131048: ("rate_limited", "Messages of this number were reported as spam."),
    80007: ("rate_limited", "Too many calls are made for this account."),
    4: ("rate_limited", "Too many calls are made."),
}


def word(code: int | None) -> str | None:
    """Our word for a code, or the code itself."""
    if code is None:
        return None
    if code in WORDS:
        return WORDS[code][0]
    return "template" if 132000 <= code < 133000 else str(code)


def explain(code: int | None) -> str:
    """The code in plain words."""
    if code is None:
        return "WhatsApp refused the message."
    if code in WORDS:
        return WORDS[code][1]
    if 132000 <= code < 133000:
        return f"The template cannot be sent as it is ({code})."
    return f"WhatsApp refused the message ({code})."
