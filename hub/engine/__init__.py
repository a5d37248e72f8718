"""One question and its answer: context, model, tools. It knows no session, no turn, no network and no lease."""
