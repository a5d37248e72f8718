"""The documented names of the AresGen API."""
