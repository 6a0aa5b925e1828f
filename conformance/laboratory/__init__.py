"""Turns raw recordings of laboratory platforms into recordings of the suite, so that they can be judged like any other."""
