"""Numbers with their unit, for the fields of facts; the unit stands in the generated page of shapes."""

from typing import Annotated

Seconds = Annotated[float, "s"]
RecordingSeconds = Annotated[float, "s from the origin"]
UnixSeconds = Annotated[float, "Unix s"]
Share = Annotated[float, "share, 1 is all"]
Bytes = Annotated[int, "bytes"]
Pods = Annotated[int, "pods"]
Requests = Annotated[int, "requests"]
