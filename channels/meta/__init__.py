"""What Meta's Cloud API says and is told, whoever stands between: below the adapters that speak it."""
