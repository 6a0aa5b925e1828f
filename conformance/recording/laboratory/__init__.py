"""Turns raw laboratory recordings into recordings of the suite, so that they can be judged like any other."""
