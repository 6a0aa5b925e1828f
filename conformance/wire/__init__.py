"""Carries exchanges over HTTP/1.1: a server and a client on asyncio protocols and httptools, nothing else installed.

Messages are whole: a request is handed on when its last byte is there, an answer is written in one go. That fits calls
to models, keeps a hop short, and makes a client that goes away visible at once.
"""
