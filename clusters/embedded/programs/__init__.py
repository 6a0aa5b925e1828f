"""Real programs in the place of emulated parts, on request and in real time only: Envoy, and KServe's model server."""
