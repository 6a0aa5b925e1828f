"""Whether a cluster can decide: each check says what it found and, where that is not enough, what to do."""
