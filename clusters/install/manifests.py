"""Installation manifests: fetched once, checked by digest, read into objects.

A digest that nobody published cannot be invented: such a file is recorded at first use in a lock file that belongs
under version control, and every later use is compared with it. A mismatch is never overridden by an option.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Final

import yaml

from conformance.base.errors import PlatformError, UsageError

Object = dict[str, Any]
Fetch = Callable[[str], Awaitable[bytes]]

FETCH_SECONDS: Final = 120.0
_TEXTS: Final = ("tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:value")
_NOT_STARTED: Final = ("CustomResourceDefinition", "ClusterServingRuntime", "LLMInferenceServiceConfig")
"""Kinds that name images without starting them. Runtimes name some fifty gigabytes; what scenarios take of those is
listed as theirs."""
_OFFLINE: Final = "set install.manifests to a folder of copies"


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """YAML as Kubernetes reads it: dates are texts, and so is a lone equals sign, which some CRDs have in an enum."""

    yaml_implicit_resolvers: ClassVar = {
        first: [(tag, form) for tag, form in resolvers if tag not in _TEXTS]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


@dataclass(frozen=True, slots=True)
class InstallManifest:
    """One file's objects and where they come from."""

    url: str
    sha256: str
    objects: tuple[Object, ...]

    @property
    def images(self) -> tuple[str, ...]:
        """Images its workloads name, in order, once each."""
        return tuple(dict.fromkeys(image for value in self.objects for image in _images(value)))


class Manifests:
    """Reads manifests from a folder of downloads, filling it from the web unless it is given by the user."""

    def __init__(
        self,
        *,
        folder: Path | None,
        lock: Path,
        known: Mapping[str, str],
        require: bool = False,
        fetch: Fetch | None = None,
    ) -> None:
        self._given = folder is not None
        self._folder = folder or cache_folder()
        self._lock = lock
        self._known = known
        self._require = require
        self._fetch = fetch or download
        self.recorded: list[str] = []
        """URLs whose digest was recorded by this run, for the report's notes."""

    async def read(self, url: str) -> InstallManifest:
        """Raises UsageError for a missing or different file, PlatformError when it cannot be fetched."""
        path = self._folder / file_name(url)
        if path.is_file():
            content = path.read_bytes()
        elif self._given:
            raise UsageError(f"install.manifests: {path} is missing; it is a copy of {url}")
        else:
            content = await self._fetch(url)
        digest = hashlib.sha256(content).hexdigest()
        self._check(url, digest, path)
        if not path.is_file():
            path.parent.mkdir(parents=True, exist_ok=True)
            partial = path.with_suffix(f".{os.getpid()}")
            partial.write_bytes(content)
            partial.replace(path)
        return InstallManifest(url, digest, objects(content, url))

    def _check(self, url: str, digest: str, path: Path) -> None:
        locked = _locked(self._lock)
        wanted = self._known.get(url) or locked.get(url)
        if wanted is None:
            if self._require:
                raise UsageError(f"no digest is known for {url}; its sha256 is {digest}; add it to {self._lock}")
            self._lock.write_text(yaml.safe_dump({**locked, url: digest}), encoding="utf-8")
            self.recorded.append(url)
        elif wanted != digest:
            raise UsageError(
                f"{url}: sha256 is {digest}, recorded was {wanted}; "
                f"find out why, then remove {path} or correct {self._lock}"
            )


def _locked(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    value = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    if not isinstance(value, dict):
        raise UsageError(f"{path}: must be a mapping from URL to sha256")
    return {str(key): str(entry) for key, entry in value.items()}


def local_images(folder: Path | None, urls: Sequence[str]) -> tuple[tuple[str, ...], int]:
    """Images that the copies at hand name, once each, and how many of the files are not at hand."""
    place = folder or cache_folder()
    images: dict[str, None] = {}
    absent = 0
    for url in urls:
        path = place / file_name(url)
        if path.is_file():
            images |= dict.fromkeys(InstallManifest(url, "", objects(path.read_bytes(), str(path))).images)
        else:
            absent += 1
    return tuple(images), absent


def cache_folder() -> Path:
    """Where downloads are kept: XDG_CACHE_HOME or ~/.cache."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "serving-conformance" / "manifests"


def file_name(url: str) -> str:
    """Name of the local copy: release and file, e.g. `kserve_v0.20.0_kserve.yaml`."""
    parts = url.removeprefix("https://").split("/")
    project = parts[2] if len(parts) > 2 else parts[0]
    release = next((part for part in parts[3:] if any(sign.isdigit() for sign in part)), "")
    return "_".join(part for part in (project, release, parts[-1]) if part)


async def download(url: str) -> bytes:
    """GET over TLS, following redirects. Raises PlatformError."""
    import httpx

    try:
        async with httpx.AsyncClient(follow_redirects=True, timeout=FETCH_SECONDS) as client:
            response = await client.get(url)
    except httpx.HTTPError as error:
        raise PlatformError(f"{url}: cannot be fetched: {error}; {_OFFLINE}") from error
    if response.status_code != 200:
        raise PlatformError(f"{url}: HTTP {response.status_code}; {_OFFLINE}")
    return response.content


def objects(content: bytes, where: str) -> tuple[Object, ...]:
    """The objects of a YAML stream, Lists unfolded. Raises UsageError."""
    try:
        documents = [value for value in yaml.load_all(content, Loader=_Loader) if value]
    except yaml.YAMLError as error:
        raise UsageError(f"{where}: not YAML: {error}") from error
    found: list[Object] = []
    for value in documents:
        if not isinstance(value, dict) or "kind" not in value:
            raise UsageError(f"{where}: holds something that is not a Kubernetes object")
        found += value.get("items") or [] if str(value["kind"]).endswith("List") else [value]
    return tuple(found)


def _images(value: Any) -> list[str]:
    if isinstance(value, list):
        return [image for entry in value for image in _images(entry)]
    if not isinstance(value, dict):
        return []
    if value.get("kind") in _NOT_STARTED:
        return []
    if value.get("kind") == "ConfigMap":
        return _configured_images(value.get("data") or {})
    found = [image for entry in value.values() for image in _images(entry)]
    if isinstance(value.get("image"), str):
        found.insert(0, value["image"])
    return found


def _configured_images(data: Mapping[str, Any]) -> list[str]:
    """Images that controllers put into pods: Knative's queue-proxy, and those in the JSON of KServe's ConfigMap."""
    found = [str(text) for key, text in data.items() if key == "queue-sidecar-image"]
    for text in data.values():
        try:
            found += _images(json.loads(text))
        except (ValueError, TypeError):
            continue
    return found
