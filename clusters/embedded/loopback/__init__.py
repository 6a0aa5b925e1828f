"""The platform behind sockets on loopback, with the files that let clients in."""
