"""Commands a contact can type."""

from hub.folding import fold

COMMANDS = {"/reset": "reset", "/usage": "usage"}


def parse(text: str, debug: bool) -> str | None:
    """The command a text is, if any: /reset always, /usage only with `debug`.

    Telegram adds the bot's name in groups ("/reset@my_bot"). Anything behind the word makes it an
    ordinary message.
    """
    words = fold(text).split()
    if len(words) != 1:
        return None
    command = COMMANDS.get(words[0].split("@", 1)[0])
    return None if command == "usage" and not debug else command
