"""The record: one folder per scenario, append-only facts on one clock. All else is a view of it."""
