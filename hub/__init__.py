"""The hub: networks in, models and knowledge, answers out."""

__version__ = "0.1.0"
SCHEMA = 363
