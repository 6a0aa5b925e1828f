"""Carries exchanges over HTTP/1.1: a server and a client on asyncio protocols and httptools, nothing else installed.

A request is handed on when its last byte is there. Answers are written in one go, but for those of unknown length: they
pass in parts as they come, for whoever asks a client for that. A client that goes away is visible at once.
"""
