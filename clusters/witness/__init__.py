"""The model-server double: answers like the documented models, takes as long as it is told, and says what it saw.

`Witness` is pure and takes a clock, so the embedded platform runs it in process, in real and in virtual time;
`python -m clusters.witness` serves it over HTTP in the container image. Needs from the project:
`conformance.base.clock` and `conformance.base.http`; from elsewhere: httptools.
"""
