"""Replaying recorded behaviour of the real software on ours: the autoscaler's decisions, the API server's answers.

A recording holds inputs and what Knative made of them. Replaying runs the same inputs through `conformance.model`, and
through the embedded platform's data plane where the rule lives there, and names every value that comes out different.
"""
