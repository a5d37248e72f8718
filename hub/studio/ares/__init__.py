"""ARES: agents for signed-in users, and what they learn about them."""
