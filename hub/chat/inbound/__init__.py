"""From a webhook to rows: verify, store, take up consent and commands, keep media."""
