"""One group of interactions replayed on one server: state before, request, answer, comparison."""

from __future__ import annotations

import asyncio
import json
import random
import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs

from clusters.embedded.api import bootstrap, openapi
from clusters.embedded.api.app import create_app
from clusters.embedded.api.auth import ADMIN, Tokens, authenticate
from clusters.embedded.api.exchange import Call
from clusters.embedded.api.hooks import Hooks, Review
from clusters.embedded.api.listing import read_token
from clusters.embedded.api.status import ApiError
from clusters.embedded.api.target import parse
from conformance.golden.answer_compare import differences, header_differences, message_parts
from conformance.golden.credentials import Credentials
from conformance.golden.interaction import Interaction, Value
from conformance.golden.presupposed import Preparation
from conformance.golden.recorded_world import World, events_in, place_of, times_in, versions_in
from conformance.golden.replay_store import RecordedClock, ReplayStore
from conformance.golden.replay_watch import WatchReplay
from conformance.golden.tally import Mismatch
from conformance.golden.transport import Answer, ask

ADMIN_TOKEN = "recorded-admin"


class GroupReplay:
    """Replays interactions one after the other."""

    def __init__(self, group: Sequence[Interaction], world: World, ahead: World) -> None:
        self.group = group
        self.world = world
        self.ahead = ahead
        loop = asyncio.get_running_loop()
        self.clock = RecordedClock(loop.time)
        self.store = ReplayStore(self.clock)
        self.tokens = Tokens()
        self.tokens.add(ADMIN_TOKEN, ADMIN)
        bootstrap.install(self.store)
        self.store.restart()
        self.hooks = Hooks()
        install_webhooks(self.hooks, self.store, self.clock)
        self.hooks.logs = self._logs
        self.current = group[0]
        self.hashes: dict[str, str] = {}
        self.tags: dict[str, str] = {}
        self.app = create_app(self.store, self.tokens, self.hooks)
        self.app.server.address = "192.0.2.10:6443"
        self.preparation = Preparation(self.store, world)
        self.credentials = Credentials(self.tokens)

    async def run(self) -> list[tuple[Interaction, list[Mismatch]]]:
        """All interactions with their differences."""
        results = []
        for index, interaction in enumerate(self.group):
            found = await self._guarded(index)
            results.append((interaction, found))
            self.world.learn(interaction)
            self.preparation.settle(interaction)
            await asyncio.sleep(0)  # what the server does of its own accord after an answer
        return results

    async def _guarded(self, index: int) -> list[Mismatch]:
        """An interaction in a form this replay does not know is a difference, not the end."""
        interaction = self.group[index]
        try:
            found = await self.one(interaction)
            return await self._again(index, found) if found else []
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            place = interaction.place or interaction.name
            return [Mismatch(interaction.file, place, "replay", "an answer", f"{type(error).__name__}: {error}")]

    async def _again(self, index: int, found: list[Mismatch]) -> list[Mismatch]:
        """Where the recording misses the interactions just before, the state before is not known: try the states it
        shows next, the answer's own first. An answer must then be what the request makes of one of them."""
        interaction = self.group[index]
        if interaction.method == "GET" and not interaction.is_watch:
            self.preparation.collections.look_ahead(interaction, self.ahead)
            return await self.one(interaction, prepared=True) or []
        if interaction.method not in ("PUT", "PATCH", "DELETE") or not _follows_a_gap(self.group, index):
            return found
        for value in self.preparation.later_states(self.group[index:]):
            again = await self.one(interaction, value)
            if not again:
                return again
        return found

    async def one(
        self, interaction: Interaction, before: Value | None = None, *, prepared: bool = False
    ) -> list[Mismatch]:
        """The differences of one interaction, from a given state of its object if not from the known one."""
        if interaction.omitted:
            return []
        self.current = interaction
        self._set_chances(interaction)
        if not prepared:
            self.preparation.prepare(interaction)
        if before is not None:
            self.preparation.force(before)
        self._set_versions(interaction)
        headers = self.credentials.headers(interaction, ADMIN_TOKEN)
        if interaction.status not in (401, 403) and not self._may(interaction, headers):
            headers["authorization"] = f"Bearer {ADMIN_TOKEN}"  # by rights that no recording before this one shows
        if self._lies_in_the_past(interaction):
            return await GroupReplay([interaction], World(), self.ahead).one(interaction)
        if interaction.stream is not None and interaction.is_watch and not _is_one_object(interaction):
            found = await WatchReplay(self.store, self.app, interaction, headers, self.ahead).run()
        else:
            if interaction.status == 304 and "if-modified-since" in headers:
                headers["if-modified-since"] = "Fri, 01 Jan 2100 00:00:00 GMT"
            elif "if-modified-since" in headers:
                headers["if-modified-since"] = "Thu, 01 Jan 1970 00:00:00 GMT"
            tag = headers.get("if-none-match", "")
            if interaction.status == 304 and tag and tag not in self.tags:
                plain = {name: value for name, value in headers.items() if name != "if-none-match"}
                first = await ask(self.app, self._with_own_hash(interaction), plain)
                self.tags[tag] = (first.headers.get("etag") or [""])[0]
            if tag in self.tags:
                headers["if-none-match"] = self.tags[tag]
            answer = await ask(self.app, self._with_own_hash(interaction), headers)
            self._learn_hashes(interaction, answer)
            recorded = str(interaction.answer_headers.get("etag", ""))
            if recorded and answer.headers.get("etag"):
                self.tags[recorded] = answer.headers["etag"][0]
            found = [one for one in compared(interaction, answer) if not self._is_of_unseen_row(interaction, one[0])]
            if interaction.is_watch and not _is_one_object(interaction):
                found = [one for one in found if one[0] == "status"]  # a relay kept one line of the stream
        return [Mismatch(interaction.file, interaction.place or interaction.name, *one) for one in found]

    def _may(self, interaction: Interaction, headers: dict[str, str]) -> bool:
        """Whether the user of a request has the right to it, by the roles that are known."""
        query = parse_qs(interaction.query_string, keep_blank_values=True)
        call = Call(interaction.method, interaction.path, query, headers)
        try:
            call.user = authenticate(call, self.tokens)
            self.app.server.authorizer.check(call, parse(interaction.path))
        except ApiError:
            return self._is_bound(call.user.name)
        return True

    def _is_bound(self, user: str) -> bool:
        """Whether the recording gave a user a role so far, so that its rights are known and must suffice."""
        for kind in ("RoleBinding", "ClusterRoleBinding"):
            for place in self.world.of_kind(kind):
                for subject in (self.world.at(place) or {}).get("subjects") or ():
                    if user.endswith(f":{subject.get('namespace', '')}:{subject.get('name', '')}"):
                        return True
        return False

    def _is_of_unseen_row(self, interaction: Interaction, field: str) -> bool:
        """Whether a difference lies in a table's row of an object that the recording shows nowhere whole in that
        version: what its cells are made of is not known, only that there is such a row."""
        found = re.match(r"rows\[(\d+)\]\.(cells|conditions)", field)
        if not found or not isinstance(interaction.answer, dict):
            return False
        target = parse(interaction.path)
        kind = target and self.store.kinds.find(target.group, target.version, target.plural)
        metadata = (interaction.answer["rows"][int(found[1])].get("object") or {}).get("metadata")
        if not kind or not metadata:
            return True
        head = {"apiVersion": kind.resource.api_version, "kind": kind.resource.kind, "metadata": metadata}
        states = self.ahead.history.get(place_of(head), ())
        version = str(metadata.get("resourceVersion"))
        return not any(value and value["metadata"].get("resourceVersion") == version for _, value in states)

    def _with_own_hash(self, interaction: Interaction) -> Interaction:
        """An OpenAPI document's hash is another here: use the one this server gave for the same."""
        if interaction.path.startswith("/openapi/v3/") and interaction.status in (200, 304):
            known = dict.fromkeys(self.hashes, "")
            query = tuple(pair for pair in interaction.query if pair[0] != "hash" or pair[1] in known)
            if query != interaction.query:
                hashed = self._hash_of(interaction.path)
                return replace(interaction, query=(*query, ("hash", hashed)) if hashed else query)
        query = tuple((name, self.hashes.get(value, value)) for name, value in interaction.query)
        return replace(interaction, query=query)

    def _hash_of(self, path: str) -> str:
        """This server's hash of a document whose recorded one no index shows."""
        entry = openapi.index(self.store.kinds)["paths"].get(path.removeprefix("/openapi/v3/")) or {}
        return str(entry.get("serverRelativeURL", "")).partition("hash=")[2]

    def _learn_hashes(self, interaction: Interaction, answer: Answer) -> None:
        if interaction.path != "/openapi/v3" or interaction.status != 200:
            return
        recorded = interaction.answer
        if not isinstance(recorded, dict) or answer.status != 200:
            return
        own = json.loads(answer.body)["paths"]
        for place, value in recorded["paths"].items():
            if isinstance(value, dict) and place in own:
                theirs = str(value["serverRelativeURL"]).partition("hash=")[2]
                self.hashes[theirs] = own[place]["serverRelativeURL"].partition("hash=")[2]

    async def _logs(self, pod: Value, container: str, follow: bool) -> AsyncIterator[bytes]:
        """What the recorded container had written, with the recorded times where they were asked for."""
        stamped = self.current.parameter("timestamps") == "true"
        lines = [str(line) for _, line in self.current.stream or ()]
        if isinstance(self.current.answer, str):
            lines = self.current.answer.splitlines(keepends=True)
        for line in lines:
            yield (line if stamped else f"{self.store.now()} {line}").encode()

    def _lies_in_the_past(self, interaction: Interaction) -> bool:
        """A watch that was recorded beside others: it needs a server that has not gone through its time yet."""
        if len(self.group) == 1 or not interaction.is_watch:
            return False
        later = [list(versions_in(value)) for seconds, _, value in events_in(interaction) if seconds > 0.3]
        asked = asked_version(interaction)
        return any(found and asked < max(found) <= self.store.version for found in later)

    def _set_chances(self, interaction: Interaction) -> None:
        answer = interaction.answer
        times = sorted(times_in(answer)) if interaction.status < 400 else []
        moment = _moment(answer, times)
        if moment:
            self.clock.set(moment)
        metadata = answer.get("metadata") if isinstance(answer, dict) else None
        self.store.next_uid = self.store.next_suffix = ""
        if isinstance(metadata, dict) and interaction.method in ("POST", "PATCH"):
            self.store.next_uid = str(metadata.get("uid") or "")
            prefix = str(metadata.get("generateName") or "")
            if prefix and str(metadata.get("name", "")).startswith(prefix):
                self.store.next_suffix = str(metadata["name"])[len(prefix) :]

    def _set_versions(self, interaction: Interaction) -> None:
        versions = list(versions_in(interaction.answer))
        if _is_compacted(interaction):
            self.store.forget_up_to(asked_version(interaction))
        if interaction.is_watch:
            self.store.skip_to(asked_version(interaction) if asked_version(interaction) < 100_000 else 0)
        if not versions or not 200 <= interaction.status < 300 or interaction.parameter("dryRun"):
            return
        reading = interaction.method in ("GET", "HEAD")
        self.store.skip_to(max(versions) if reading else max(versions) - 1)


def _follows_a_gap(group: Sequence[Interaction], index: int) -> bool:
    """Some interaction of the group before this one is not among the files."""
    numbers = [int(found[1]) for one in group[: index + 1] if (found := re.search(r"-(\d{3})-", one.file))]
    return not numbers or numbers != list(range(1, len(numbers) + 1))


def asked_version(interaction: Interaction) -> int:
    """The version a list or watch asks for, 0 without one."""
    token = interaction.parameter("continue")
    text = str(read_token(token)[0]) if token else interaction.parameter("resourceVersion")
    return int(text) if text.isdigit() else 0


def _is_compacted(interaction: Interaction) -> bool:
    """The recorded server had forgotten the version asked for."""
    lines = [line for _, line in interaction.stream or ()]
    bodies = [interaction.answer, *(line.get("object") for line in lines if isinstance(line, dict))]
    return any(isinstance(body, dict) and body.get("code") == 410 for body in bodies)


def _moment(answer: Any, times: list[str]) -> str:
    """When the answer was given: the newest time in it, but for a deletion that lies ahead."""
    metadata = answer.get("metadata") if isinstance(answer, dict) else None
    if isinstance(metadata, dict) and metadata.get("deletionTimestamp"):
        ahead = metadata.get("deletionGracePeriodSeconds") or 0
        if ahead:
            times = [time for time in times if time != metadata["deletionTimestamp"]]
    return times[-1] if times else ""


def _is_one_object(interaction: Interaction) -> bool:
    """A watch parameter on one object is not heeded: the answer is the object."""
    lines = [line for _, line in interaction.stream or ()]
    return len(lines) == 1 and isinstance(lines[0], dict) and "type" not in lines[0]


def compared(interaction: Interaction, answer: Answer) -> list[tuple[str, Any, Any]]:
    """The differences of an answer."""
    found: list[tuple[str, Any, Any]] = []
    if answer.status != interaction.status:
        found.append(("status", interaction.status, answer.status))
        found.append(("body", _short(interaction.answer), _short(answer.value())))
        return found
    found += header_differences(dict(interaction.answer_headers), answer.headers)
    expected = interaction.answer
    if expected is None and _is_one_object(interaction):
        expected = (interaction.stream or ((0.0, None),))[0][1]
    found += body_differences(expected, answer)
    return found


ENVELOPE = re.compile(r"^k8s\0\n.{1,2}?\n.([\w./-]+)\x12.(\w+)", re.DOTALL)


def _enveloped(value: Any) -> str:
    """Version and kind of an object in protobuf form; recordings keep its head, or a text that has lost bytes."""
    if isinstance(value, dict) and value.get("__binary__"):
        value = bytes.fromhex(str(value.get("head_hex", ""))).decode("latin-1")
    found = ENVELOPE.match(value) if isinstance(value, str) else None
    return f"{found[1]} {found[2]} in protobuf form" if found else ""


def body_differences(expected: Any, answer: Answer) -> list[tuple[str, Any, Any]]:
    if expected is None:
        return []
    got = answer.value()
    if isinstance(expected, dict) and expected.get("__binary__") and not _enveloped(expected):
        return [] if got else [("body", "binary", got)]
    enveloped = _enveloped(expected)
    if enveloped:
        found = _enveloped(got)
        return [] if found == enveloped else [("body", enveloped, found or _short(got))]
    if isinstance(expected, dict) and isinstance(got, str) and got.startswith("{") and got.count("\n") <= 1:
        got = json.loads(got)
    if isinstance(expected, str) and isinstance(got, str) and got.startswith("{") and got.count("\n") <= 1:
        got = json.loads(got)
    if isinstance(expected, str) and isinstance(got, dict | list):
        try:
            expected = json.loads(expected)
        except ValueError:
            return []  # a text that was cut, or not gunzipped
    if isinstance(expected, str) and isinstance(got, str) and _is_yaml(answer):
        import yaml

        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        expected, got = yaml.load(expected, Loader=loader), yaml.load(got, Loader=loader)  # noqa: S506
    if isinstance(expected, dict) and isinstance(got, dict) and expected.get("message"):
        same = message_parts(str(expected.get("message"))) == message_parts(str(got.get("message")))
        expected = {**expected, "message": got.get("message")} if same else expected
    return list(differences(expected, got))


def _is_yaml(answer: Answer) -> bool:
    return any(value.startswith("application/yaml") for value in answer.headers.get("content-type", []))


def _short(value: Any) -> Any:
    if isinstance(value, dict) and value.get("kind") == "Status":
        return value.get("message")
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    return text[:200]


def install_webhooks(hooks: Hooks, store: ReplayStore, clock: RecordedClock) -> None:
    """The admission webhooks of the recorded server: Knative's. It had none of KServe's."""
    from clusters.embedded.behaviour import Behaviour
    from clusters.embedded.controllers.world import World as Controllers
    from clusters.embedded.webhooks import Webhooks
    from conformance.api.resources import INFERENCE_SERVICES

    webhooks = Webhooks(Controllers(store, clock, random.Random(0), Behaviour()))

    def mutate(review: Review) -> Value | None:
        return None if review.resource == INFERENCE_SERVICES else webhooks.mutate(review)

    def validate(review: Review) -> None:
        if review.resource != INFERENCE_SERVICES:
            webhooks.validate(review)

    hooks.mutators.append(mutate)
    hooks.validators.append(validate)


__all__ = ["GroupReplay", "Value"]
