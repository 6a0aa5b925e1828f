"""What offers a run's loads: a process beside it, the event loop of virtual time, or pods of the cluster."""
