"""Models: the only part of the house that speaks to them."""
