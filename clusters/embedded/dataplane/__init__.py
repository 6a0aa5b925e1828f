"""The way of a request: ingress, activator, queue-proxy, and the network between them."""
