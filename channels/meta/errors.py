"""What a refusal of Meta's means, by its code: the HTTP status differs between Meta and proxies."""

from channels import loose
from channels.base import ChannelError
from channels.http import Answer
from channels.loose import obj
from channels.meta.codes import RETRY, explain, word


def by_code(answer: Answer) -> ChannelError | None:
    """The error for an answer that is not 2xx; None where it bears no code."""
    code = loose.number(obj(obj(answer.body).get("error")).get("code"))
    if code is None:
        return None
    if code in RETRY:
        wait = answer.retry_after or RETRY[code]
        return ChannelError(explain(code), retry_after=wait, code=word(code))
    if answer.status >= 500 or answer.status == 429:
        return ChannelError(explain(code), retry_after=answer.retry_after, code=word(code))
    return ChannelError(explain(code), permanent=True, code=word(code))
