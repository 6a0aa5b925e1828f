"""What runs controllers, and what they read and write through (as in Kubernetes' controller-runtime)."""
