"""Words that are none cost nothing for good: whoever writes them could fill the memory of all."""

import tracemalloc

from hub.language import words


def test_endless_words_are_not_remembered() -> None:
    words.stems("mensagens novas")
    tracemalloc.start()
    try:
        for n in range(100):
            assert words.stems(f"{n}novas" * 6000)
        left = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert left < 500_000
    assert words.stem("mensagens") == words.stem("mensagem")
