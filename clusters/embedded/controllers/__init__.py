"""Controllers of Kubernetes, Knative and KServe, and the webhooks that belong to them."""
