"""What of an answer is handed on while it comes, and what is held back so that somebody else can be asked."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from hub.llm import finish
from hub.llm.candidates import EMPTY, REFUSED, Candidate
from hub.llm.types import Delta, Failed


@dataclass(frozen=True, slots=True)
class Turn:
    """One candidate's turn to answer. number: its place. rest: who comes after it."""

    number: int
    rest: Sequence[Candidate]
    tries: int
    deadline: float
    patience: float

    def followed(self, e: Failed) -> bool:
        """Whether somebody steps in for this failure."""
        return any(one.takes(e) for one in self.rest)


class Heard:
    """What of an answer was handed on. What nobody is shown is held back until something is, so that an answer
    that comes to nothing can be asked for again, or of another model."""

    def __init__(self, thinks: bool, turn: Turn) -> None:
        self._thinks = thinks
        self._turn = turn
        # Where somebody steps in for a refusal it is not shown before it is known that it is all.
        self._waits = bool(turn.rest) and turn.followed(refused())
        self._held: list[Delta] = []
        self._finish: str | None = None
        self._refusal = False
        self.begun = False

    def take(self, delta: Delta) -> list[Delta]:
        self._finish = delta.finish or self._finish
        if self.begun:
            return [delta]
        self._held.append(delta)
        self._refusal = self._refusal or bool(delta.refusal)
        says = delta.says and not (self._waits and delta.refusal and not replace(delta, refusal="").says)
        if not (says or (self._thinks and delta.thinks and not self._waits)):
            return []
        self.begun = True
        return self._all()

    def end(self) -> list[Delta]:
        """The rest of an answer without words; it is one when the provider says why. Raise Failed when not, or
        when another model can be asked."""
        if self.begun:
            return self._all()
        final = self._finish in finish.FINAL
        if self._refusal and self._waits:
            raise refused()
        if self._refusal:
            return self._all()
        text = f"The model answered nothing (finish reason: {self._finish or 'none'})."
        code = finish.FILTER if self._finish == finish.FILTER else None
        e = Failed(text, permanent=final, code=EMPTY, details={"code": code} if code else None)
        if not final or self._turn.followed(e):
            raise e
        return self._all()

    def _all(self) -> list[Delta]:
        held, self._held = self._held, []
        return held


def refused() -> Failed:
    return Failed("The model did not want to answer.", permanent=True, code=REFUSED)
