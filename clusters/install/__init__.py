"""Applies the manifests of a version row to a cluster and waits until they hold."""
