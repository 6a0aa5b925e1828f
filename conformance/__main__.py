"""`python -m conformance` is the `conformance` command."""

from conformance.cli.entry import main

main()
