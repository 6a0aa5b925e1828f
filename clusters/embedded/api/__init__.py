"""A Kubernetes API server in Python: storage, watch cache, admission and REST, without etcd and without controllers.

A library of its own: it imports nothing else of the project. README.md in this folder says what it serves and what not.
"""
