"""Nodes and what runs on them: scheduler, kubelet, pods, usage, evictions."""
