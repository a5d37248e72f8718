"""What the product does beside chat clients: agents, characters, documents."""
