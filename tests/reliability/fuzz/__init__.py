"""Fuzz targets: hostile input for everything that reads what others wrote. `python -m tests.reliability.fuzz`."""
