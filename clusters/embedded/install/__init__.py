"""What a fresh installation of Kubernetes, Knative Serving and KServe holds, as data."""
