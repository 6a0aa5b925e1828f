"""The CustomResourceDefinitions of KServe 0.20 and Knative Serving 1.23, from their compact file."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any

from clusters.embedded.api.structural_schema import Resolver

Object = dict[str, Any]


@cache
def definitions() -> tuple[Object, ...]:
    """Metadata and spec of each. Their schemas share parts: treat them as frozen."""
    data = json.loads(files("clusters.embedded.install").joinpath("custom_kinds.json").read_text("utf-8"))
    resolver = Resolver(data["definitions"])
    return tuple(_definition(resource, resolver) for resource in data["resources"])


def _definition(resource: Object, resolver: Resolver) -> Object:
    versions = []
    for version in resource["versions"]:
        value = {key: version[key] for key in ("name", "served", "storage", "subresources") if version.get(key)}
        value["schema"] = {"openAPIV3Schema": resolver.resolve(version["schema"])}
        if version.get("columns"):
            value["additionalPrinterColumns"] = version["columns"]
        versions.append(value)
    names, group = resource["names"], resource["group"]
    metadata: Object = {"name": f"{names['plural']}.{group}"}
    metadata |= {member: dict(resource[member]) for member in ("labels", "annotations") if resource.get(member)}
    spec = {"group": group, "names": names, "scope": resource["scope"], "versions": versions}
    return {"metadata": metadata, "spec": spec}
