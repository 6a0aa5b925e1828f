"""Replaying tables: one rule each, recognised by its columns."""
