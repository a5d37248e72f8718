"""The documented bodies, one module an object."""
