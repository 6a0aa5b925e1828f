"""What a cluster and this machine can carry: room, what a pod costs, what therefore fits, and when to stop."""
