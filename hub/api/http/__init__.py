"""The toolkit of all API families."""
