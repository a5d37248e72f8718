"""What the audit log tells of a deed, in words: `campaign.paused` is "Campaign: paused".

Every action that the code can write has words here; `tests/console/test_audit_words.py` takes the list from the code.
"""

from collections.abc import Mapping

from hub.translations import told

# What a deed is done to.
THINGS: Mapping[str, str] = {
    "account": told("Account"),
    "agent": told("Agent of the API"),
    "auth": told("User's sign-in"),
    "bot": told("Bot"),
    "campaign": told("Campaign"),
    "card": told("Card of your own server"),
    "channel": told("Channel"),
    "chatbot": told("Chatbot"),
    "client": told("Channel"),
    "collection": told("Collection"),
    "contact": told("Contact"),
    "conversation": told("Conversation"),
    "conversations": told("Conversations"),
    "conversation_logs": told("Log of requests"),
    "delivery": told("Delivery"),
    "desk": told("People who answer"),
    "document": told("Document"),
    "embedder": told("Embedder"),
    "field": told("Field of contacts"),
    "files": told("File"),
    "gateway": told("Bot"),
    "guest": told("Guest"),
    "handoff": told("Conversation"),
    "image": told("Picture"),
    "inbox": told("Conversation"),
    "integration": told("Network"),
    "key": told("API key"),
    "knowledge": told("Collection"),
    "label": told("Label"),
    "look": told("Collection"),
    "mcp": told("MCP"),
    "memory": told("Memory"),
    "note": told("Note"),
    "outreach": told("Rules for messages"),
    "planned": told("Message for later"),
    "public": told("Chat"),
    "reply": told("Prepared reply"),
    "response": told("Stored response"),
    "retention": told("What was too old"),
    "sample": told("Sample"),
    "schedule": told("Schedule"),
    "self": told("Own access"),
    "session": told("Conversation"),
    "settings": told("Settings"),
    "shell": told("Workspace"),
    "skill": told("Skill"),
    "source": told("Website of a collection"),
    "team": told("Team"),
    "thread": told("Thread"),
    "user": told("User of the API"),
    "visiting": told("Chat"),
    "voice": told("Voice"),
    "webhook": told("Webhook"),
    "workflow": told("Workflow"),
    "workspace": told("Workspace"),
}
# What is done to it.
VERBS: Mapping[str, str] = {
    "added": told("something was added"),
    "answered": told("an operator wrote"),
    "app_added": told("an app for codes was added"),
    "app_begun": told("an app for codes was begun"),
    "app_removed": told("the app for codes was removed"),
    "applied": told("was dropped by its rule"),
    "asked": told("was asked"),
    "attach": told("a file was attached"),
    "browser_told": told("a browser is told from now on"),
    "browser_untold": told("a browser is told no more"),
    "bulk": told("several were sorted at once"),
    "cancelled": told("was cancelled"),
    "card_removed": told("the card was removed"),
    "card_set": told("the card was set"),
    "changed": told("was changed"),
    "checked": told("was checked"),
    "cleared": told("was emptied"),
    "codes_renewed": told("new recovery codes were made"),
    "commanded": told("a command was run"),
    "connected": told("a network was connected"),
    "continuation": told("a code to go on elsewhere was made"),
    "created": told("was created"),
    "deleted": told("was deleted"),
    "discarded": told("was dropped"),
    "disconnected": told("a network was disconnected"),
    "drafted": told("the bot was asked for a draft"),
    "dropped": told("a document was removed"),
    "edited": told("was changed"),
    "embedder_removed": told("the embedder was removed"),
    "embedder_set": told("the embedder was set"),
    "emptied": told("was emptied"),
    "enter": told("somebody came in"),
    "erased": told("was erased for good"),
    "exported": told("was exported"),
    "fact_forgotten": told("a fact was forgotten"),
    "factors_removed": told("the second factor was reset"),
    "feedback": told("was rated"),
    "field_changed": told("a field was changed"),
    "field_deleted": told("a field was deleted"),
    "field_made": told("a field was made"),
    "fields_set": told("the contact's fields were set"),
    "file_deleted": told("a file was deleted"),
    "folder_deleted": told("a folder was deleted"),
    "folder_made": told("a folder was made"),
    "forgotten": told("was forgotten"),
    "given": told("was given to a colleague"),
    "given_back": told("was handed back to the bot"),
    "identity_bound": told("an account elsewhere was bound"),
    "imported": told("was imported"),
    "invited": told("somebody was invited"),
    "joined": told("was joined with another"),
    "label_changed": told("a label was changed"),
    "label_deleted": told("a label was deleted"),
    "label_made": told("a label was made"),
    "leave": told("somebody left"),
    "link_given": told("a link to sign in was made where the hub runs"),
    "linked": told("a link to sign in was made"),
    "login": told("somebody signed in"),
    "logout": told("somebody signed out"),
    "noted": told("a note was written"),
    "notices_changed": told("notices were changed"),
    "opener_chosen": told("the template after 24 hours was chosen"),
    "outreach_changed": told("the rules for messages were changed"),
    "passkey_added": told("a passkey was added"),
    "passkey_removed": told("a passkey was removed"),
    "paused": told("was paused"),
    "people_changed": told("the people who answer were changed"),
    "person_note_deleted": told("a note on the person was deleted"),
    "person_noted": told("a note on the person was written"),
    "plan_cancelled": told("a planned message was cancelled"),
    "plan_changed": told("a planned message was changed"),
    "planned": told("a message was planned"),
    "preference_forgotten": told("a preference was forgotten"),
    "presence_set": told("somebody said whether they are here"),
    "previewed": told("was previewed"),
    "prompt": told("was asked"),
    "published": told("was published"),
    "rated": told("was rated"),
    "reacted": told("a reaction was sent"),
    "refresh": told("a sign-in was renewed"),
    "register": told("somebody registered"),
    "reindexed": told("was indexed again"),
    "removed": told("somebody was removed"),
    "replayed": told("was sent again"),
    "replayed_many": told("several were sent again"),
    "reply_deleted": told("a prepared reply was deleted"),
    "reply_edited": told("a prepared reply was changed"),
    "reply_saved": told("a prepared reply was saved"),
    "resolved": told("was closed by hand"),
    "resumed": told("was resumed"),
    "retry": told("an answer was asked for again"),
    "role_changed": told("a role was changed"),
    "rotated": told("the secret was renewed"),
    "run": told("was run"),
    "said": told("an operator wrote"),
    "salt_rolled": told("the salt was renewed"),
    "sample_gone": told("a sample was thrown away"),
    "sample_made": told("a sample was made"),
    "saved": told("was saved"),
    "sign_in_failed": told("a sign-in failed"),
    "signed_in": told("somebody signed in"),
    "sorted": told("was assigned, labelled or put away"),
    "split": told("was taken apart again"),
    "started": told("was started"),
    "stopped": told("was stopped"),
    "stream": told("was asked"),
    "switched": told("was taken over or handed back"),
    "taken": told("was taken over"),
    "team_changed": told("a team was changed"),
    "team_deleted": told("a team was deleted"),
    "team_made": told("a team was made"),
    "template_sent": told("a template was sent"),
    "tested": told("was tested"),
    "token_given": told("a link to edit was given out"),
    "token_reused": told("an old sign-in was used again"),
    "tokens_withdrawn": told("links to edit were withdrawn"),
    "tool_approved": told("a tool was approved"),
    "tool_refused": told("a tool was refused"),
    "tools_approve": told("tools were approved"),
    "tools_refuse": told("tools were refused"),
    "tried": told("was tried"),
    "typing": told("somebody typed"),
    "view_deleted": told("a list of one's own was removed"),
    "view_kept": told("a list of one's own was kept"),
    "website_added": told("a website was added"),
    "website_refreshed": told("a website is read again"),
    "website_removed": told("a website was removed"),
}
# As things were written before they had their right names.
FORMER: Mapping[str, str] = {"deliverie": "delivery", "memorie": "memory", "replie": "reply"}


def told_of(action: str) -> str:
    """The words of an action; of one that is not known here any more, its name."""
    thing, _, verb = action.partition(".")
    named, what = THINGS.get(FORMER.get(thing, thing)), VERBS.get(verb)
    return told("%(thing)s: %(what)s", thing=named, what=what) if named and what else action


def whoever(kind: str, name: str, now: str | None) -> str:
    """Who did it. now: what the key or the user is called today, if they are still there."""
    if kind == "hub":
        return told("The hub itself")
    if kind == "key":
        mcp = name.endswith(" over MCP")
        if now is None:
            return told("A deleted API key, over MCP") if mcp else told("A deleted API key")
        return told("API key “%(name)s”, over MCP", name=now) if mcp else told("API key “%(name)s”", name=now)
    if name.startswith("ARES user "):
        return now or told("A deleted user of the API")
    return name


def choices() -> dict[str, str]:
    """What can be chosen in the log, a thing of each word once."""
    return {word: thing for thing, word in reversed([*THINGS.items()])}


def begins(thing: str) -> list[str]:
    """How actions begin that are done to what is called so."""
    same = [one for one, word in THINGS.items() if word == THINGS.get(thing)]
    return [f"{one}." for one in (*same, *(old for old, now in FORMER.items() if now in same))]
