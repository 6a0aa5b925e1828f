"""What kind and k3s have in common: from an empty cluster to one with everything installed."""
