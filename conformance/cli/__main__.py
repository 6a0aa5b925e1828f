"""`python -m conformance.cli` is the `conformance` command."""

from conformance.cli.entry import main

main()
