"""Knative's autoscaler: decisions of `conformance.model`, when they are taken and what they go by."""
