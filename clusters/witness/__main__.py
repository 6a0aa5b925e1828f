"""`python -m clusters.witness`: serve the witness, or, given a storage URI and a folder, make an empty model there."""

from __future__ import annotations

import sys

from clusters.witness import model_storage, witness_server

if __name__ == "__main__":
    arguments = sys.argv[1:]
    sys.exit(model_storage.main(arguments) if model_storage.wanted(arguments) else witness_server.main(arguments))
