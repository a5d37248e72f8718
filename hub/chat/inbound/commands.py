"""Commands a contact can type."""

from hub.language.folding import fold

COMMANDS = {"/reset": "reset", "/usage": "usage"}

LONGEST = 300  # characters of what may be one


def parse(text: str, debug: bool, me: str | None = None) -> str | None:
    """The command a text is, if any: /reset always, /usage only with `debug`.

    Telegram adds the bot's name in groups ("/reset@my_bot"); with another one than `me`, if that is known, it is
    no command of ours. Anything behind the word makes it an ordinary message.
    """
    words = fold(text).split() if len(text) <= LONGEST else []
    if len(words) != 1:
        return None
    word, at, bot = words[0].partition("@")
    if at and me and bot != me.lower():
        return None
    command = COMMANDS.get(word)
    return None if command == "usage" and not debug else command
