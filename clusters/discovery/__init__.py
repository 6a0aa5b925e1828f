"""What a cluster that is there says of itself: installation, accelerators, ingress."""
