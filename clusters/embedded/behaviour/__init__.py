"""Decisions that a platform could get wrong, as they should be."""
