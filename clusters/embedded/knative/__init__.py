"""What Knative's webhooks and controllers make of a Service: pure functions of objects."""
