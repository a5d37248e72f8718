"""Local twins of the four provider APIs and a web phone to write to them."""
