"""What KServe's webhooks and controllers make of an InferenceService: pure functions of objects."""
