"""What the product does beside chat clients: ARES agents, characters, and the studio of AresGen."""
