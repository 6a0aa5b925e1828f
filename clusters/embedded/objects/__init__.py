"""What can be said of a Kubernetes object by looking at it: pure functions that every part of the platform uses."""
