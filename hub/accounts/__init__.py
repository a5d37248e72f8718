"""Accounts, their keys and their gateways."""
