"""A turn: claim what waits in a session, ask the engine, commit the answer."""
