"""Replaying recorded decisions of Knative's own code on ours.

A recording holds inputs and what Knative made of them. Replaying runs the same inputs through `conformance.model`, and
through the embedded platform's data plane where the rule lives there, and names every value that comes out different.
"""
