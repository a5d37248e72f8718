"""The tree of errors: each has a code, a status and words."""

from hub import errors
from hub.errors import HubError


def tree(of: type[HubError] = HubError) -> list[type[HubError]]:
    return [
        c
        for one in of.__subclasses__()
        if one.__module__ == errors.__name__
        for c in (one, *tree(one))
    ]


def test_every_error_has_its_own_code_a_status_and_words() -> None:
    codes = [e.code for e in tree()]
    assert len(codes) == len(set(codes)) > 10
    for error in tree():
        assert 400 <= error.status < 600
        assert str(error()).endswith((".", "`."))


def test_the_drawing_names_every_error_and_its_status() -> None:
    drawn = {
        line.split("+- ")[1].split()[0]: int(
            line.split()[-1] if line.split()[-1].isdigit() else line.split("+- ")[1].split()[1]
        )
        for line in (errors.__doc__ or "").splitlines()
        if "+- " in line
    }
    assert drawn == {e.__name__: e.status for e in tree()}


def test_an_error_carries_what_the_caller_needs() -> None:
    e = errors.TooMany("Wait.", field="f", details=[1], retry_after=2.5, code="mine")
    assert (str(e), e.field, e.details, e.retry_after, e.code, e.status) == (
        "Wait.",
        "f",
        [1],
        2.5,
        "mine",
        429,
    )
    assert errors.TooMany.code == "rate_limited"
