"""Which parts of a platform are real programs, found and asked for their version before anything starts."""

from __future__ import annotations

from dataclasses import dataclass

from clusters.embedded.behaviour.platform_behaviour import Behaviour
from clusters.embedded.dataplane.dataplane_behaviour import DataBehaviour
from clusters.embedded.install.platform_options import PlatformOptions
from clusters.embedded.programs import envoy, model_server
from conformance.base.errors import UsageError

INGRESS_DECISIONS = ("choose_revision", "direct_pod", "copies")
"""Decisions that Envoy makes in the place of ours."""


@dataclass(frozen=True, slots=True)
class Program:
    """A program that was found."""

    path: str
    version: str


@dataclass(frozen=True, slots=True)
class InstalledPrograms:
    """The real parts of one platform; None where ours serves."""

    envoy: Program | None = None
    kserve: Program | None = None
    """The Python that has the SDK, and the SDK's version."""

    def versions(self) -> dict[str, str]:
        """Versions of the real parts by name."""
        named = {"envoy": self.envoy, "kserve": self.kserve}
        return {name: program.version for name, program in named.items() if program is not None}

    def lines(self) -> tuple[str, ...]:
        """What the parts are, for whoever reads or runs it."""
        found = []
        if self.envoy is not None:
            found.append(f"ingress: Envoy {self.envoy.version}")
        if self.kserve is not None:
            found.append(f"model server: KServe SDK {self.kserve.version}, a process for each predictor pod")
        return tuple(found)


def check_programs(options: PlatformOptions, fault: str | None, behaviour: Behaviour, *, real: bool) -> None:
    """Raises UsageError for programs that make no sense together, need real time, or leave no place for the fault.

    `behaviour` is that of a platform with the fault."""
    wanted = [name for name in (options.ingress, options.model_server) if name in ("envoy", "kserve")]
    if wanted and not real:
        raise UsageError(f"{wanted[0]} runs as a separate program and needs clock real, not virtual")
    if options.ingress == "envoy" and fault is not None:
        broken = type(behaviour)
        if any(getattr(broken, name) is not getattr(DataBehaviour, name) for name in INGRESS_DECISIONS):
            raise UsageError(f"fault {fault} is in the ingress, which Envoy replaces; choose one of them")


async def find_programs(options: PlatformOptions) -> InstalledPrograms:
    """Find what the options ask for. Raises UsageError with what to do where it is missing."""
    found_envoy = found_kserve = None
    if options.ingress == "envoy":
        path = envoy.find(options.envoy_program)
        found_envoy = Program(path, await envoy.version(path))
    if options.model_server == "kserve":
        path = model_server.find(options.kserve_python)
        found_kserve = Program(path, await model_server.version(path))
    return InstalledPrograms(found_envoy, found_kserve)
