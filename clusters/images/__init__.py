"""Container images, and the containers that stand beside a cluster to serve them."""
