"""AresGen: what teams write and automate with. Documents, brand voices, chatbots, threads and workflows."""
