"""Corrections of one trace at read time; the store keeps what was sent."""
