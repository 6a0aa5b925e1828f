"""The state a recorded request presupposes: namespaces, the object it names, the collection it lists, who asks."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from clusters.embedded.api.auth import Tokens
from clusters.embedded.api.exchange import User
from clusters.embedded.api.kinds import Kind
from clusters.embedded.api.listing import read_token
from clusters.embedded.api.namespaces import complete
from clusters.embedded.api.rbac import ACCOUNT_PREFIX, account_groups
from clusters.embedded.api.target import Target, parse
from clusters.embedded.api.values import copied
from conformance.api.resources import NAMESPACES
from conformance.golden.interaction import Interaction, Value
from conformance.golden.recorded_world import Place, World, is_object, objects_in, place_of
from conformance.golden.replay_store import ReplayStore

_USED = re.compile(r"exceeded quota: .*?, used: \S+?=(\d+), limited")
_USER = re.compile(r'User "([^"]+)"')


class Preparation:
    """Brings a store to the state before an interaction."""

    def __init__(self, store: ReplayStore, tokens: Tokens, world: World) -> None:
        self.store = store
        self.tokens = tokens
        self.world = world
        self.account = ""

    def prepare(self, interaction: Interaction) -> None:
        target = parse(interaction.path)
        if target is None or not target.plural:
            return
        self._ensure_definitions()
        self._ensure_namespace(interaction, target)
        self._ensure_accounts()
        kind = self.store.kinds.find(target.group, target.version, target.plural)
        if kind is None:
            return
        if target.name:
            self._ensure_object(interaction, kind, target)
        elif interaction.method == "POST":
            self._ensure_for_create(interaction, kind, target)
        else:
            self._ensure_collection(interaction, kind, target)

    def _ensure_definitions(self) -> None:
        """Custom kinds that the recording defines by now."""
        for place in self.world.of_kind("CustomResourceDefinition"):
            self._sync(place, self.world.at(place))

    def _ensure_accounts(self) -> None:
        for kind in ("Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding", "ResourceQuota"):
            for place in self.world.of_kind(kind):
                self._sync(place, self.world.at(place))

    def _ensure_namespace(self, interaction: Interaction, target: Target) -> None:
        name = target.namespace
        if not name or (target.plural == "namespaces" and target.group == ""):
            return
        place: Place = ("v1/Namespace", "", name)
        message = str((interaction.answer or {}).get("message", "")) if isinstance(interaction.answer, dict) else ""
        if f'namespaces "{name}" not found' in message:
            return
        kind = self.store.kinds.of(NAMESPACES)
        known = self.world.at(place)
        held = self.store.peek(kind, ("", name))
        if "being terminated" in message:
            self._terminate(kind, name)
            return
        if known is not None:
            self._sync(place, known)
        elif (held is None and interaction.method == "POST" and interaction.status < 400) or (held is None and interaction.method != "GET" and interaction.status != 404):
            self._make_namespace(name)

    def _make_namespace(self, name: str) -> None:
        value: Value = {"metadata": {"name": name}}
        complete(value)
        before, uid = self.store.ledger.version, self.store.next_uid
        self.store.next_uid = ""
        self.store.create(NAMESPACES, value)
        self.store.ledger.version, self.store.next_uid = before, uid

    def _terminate(self, kind: Kind, name: str) -> None:
        if self.store.peek(kind, ("", name)) is None:
            self._make_namespace(name)
        held = copied(self.store.peek(kind, ("", name)) or {})
        held["metadata"]["deletionTimestamp"] = self.store.now()
        held["status"] = {"phase": "Terminating"}
        self.store.place(kind, held)

    def _kind_at(self, place: Place) -> Kind | None:
        api_version, _, kind = place[0].rpartition("/")
        return self.store.kinds.named(api_version, kind)

    def _sync(self, place: Place, value: Value | None) -> None:
        """Bring one object to a snapshot; None takes it out."""
        kind = self._kind_at(place)
        if kind is None:
            return
        key = (place[1], place[2])
        held = self.store.peek(kind, key)
        if value is None:
            if held is not None:
                self.store.drop(kind, key)
        elif held is None or not _same_state(held, value):
            self.store.place(kind, value)

    def _place(self, kind: Kind, target: Target) -> Place:
        namespace = target.namespace if kind.resource.namespaced else ""
        return (f"{kind.resource.api_version}/{kind.resource.kind}", namespace, target.name)

    def settle(self, interaction: Interaction) -> None:
        """After an interaction: go on from the recorded outcome, whatever came out here."""
        if not 200 <= interaction.status < 300 or interaction.parameter("dryRun"):
            return
        target = parse(interaction.path)
        for value in objects_in(interaction.answer):
            place = place_of(value)
            kind = self._kind_at(place)
            if kind is None or self.world.at(place) is None:
                continue
            if target is not None and target.subresource not in ("", "status"):
                continue
            held = self.store.peek(kind, (place[1], place[2]))
            if held is not None and held != value:
                self.store.place(kind, value)

    def look_ahead(self, interaction: Interaction, ahead: World) -> None:
        """Where nothing seen before tells how the objects of a list looked, the next that is seen does."""
        target = parse(interaction.path)
        kind = target and self.store.kinds.find(target.group, target.version, target.plural)
        if not target or not kind:
            return
        asked = interaction.parameter("continue")
        version = _shown_version(interaction)
        if asked and read_token(asked)[0] > 0:
            version = read_token(asked)[0]
        items = interaction.answer.get("items") if isinstance(interaction.answer, dict) else None
        names = set(items) if items and all(isinstance(one, str) for one in items) else None
        rows, newest = _rows(interaction), max(_creations(interaction.answer), default="9")
        for place in list(ahead.of_kind(f"{kind.resource.api_version}/{kind.resource.kind}")):
            if (target.namespace and place[1] != target.namespace) or (rows and place[2] not in rows):
                continue
            if names is not None and place[2] not in names:
                continue
            known_then = any(known <= version for known, _ in ahead.history[place])
            value = ahead.at(place, version) if known_then else ahead.after(place, version)
            if value is None and known_then:
                self.store.drop(kind, (place[1], place[2]))
            elif value is not None and value["metadata"]["creationTimestamp"] <= newest:
                row = rows.get(place[2]) or {}
                metadata = (row.get("object") or {}).get("metadata") or value["metadata"]
                later = ahead.after(place, version) if row and not row.get("object") and known_then else None
                self.store.place(kind, {**(later or value), "metadata": metadata})

    def force(self, value: Value) -> None:
        """Make an object what it is given as."""
        kind = self._kind_at(place_of(value))
        if kind is not None:
            self.store.place(kind, value)

    def later_states(self, rest: Sequence[Interaction]) -> Iterator[Value]:
        """States of the first interaction's object that it and later answers show."""
        target = parse(rest[0].path)
        kind = target and self.store.kinds.find(target.group, target.version, target.plural)
        if not target or not kind or not target.name:
            return
        place = self._place(kind, target)
        for interaction in rest:
            for value in objects_in(interaction.answer):
                if place_of(value) == place:
                    yield self._as_asked(rest[0], value)

    def _as_asked(self, interaction: Interaction, value: Value) -> Value:
        """The state with the version a request expects."""
        value = copied(value)
        asked = (
            (_json(interaction.body).get("metadata") or {}).get("resourceVersion")
            if interaction.method == "PUT"
            else None
        )
        if asked:
            value["metadata"]["resourceVersion"] = asked
        return value

    def _ensure_object(self, interaction: Interaction, kind: Kind, target: Target) -> None:
        place = self._place(kind, target)
        answer = interaction.answer
        own = answer if is_object(answer) and place_of(answer) == place else None
        if self.world.knows(place):
            self._sync(place, self.world.at(place))
        self._take_asked_version(interaction, kind, place)
        if interaction.status == 404:
            message = str(answer.get("message", "")) if isinstance(answer, dict) else str(answer)
            missing = f'"{target.name}" not found' in message
            if missing and self.store.peek(kind, (place[1], place[2])) is not None and not target.subresource:
                self.store.drop(kind, (place[1], place[2]))
            return
        if interaction.method in ("GET", "HEAD") and own is not None:
            self._sync(place, own)
            return
        if self.store.peek(kind, (place[1], place[2])) is not None:
            return
        guess = self._guess(interaction, kind, target, own)
        if guess is not None:
            self.store.place(kind, guess)

    def _take_asked_version(self, interaction: Interaction, kind: Kind, place: Place) -> None:
        """A request that succeeds knew the version: what was missed between is only seen in it."""
        body = _json(interaction.body)
        metadata = body.get("metadata") or {}
        if interaction.method == "DELETE":
            metadata = {"resourceVersion": (body.get("preconditions") or {}).get("resourceVersion")}
        asked = str(metadata.get("resourceVersion") or "")
        held = self.store.peek(kind, (place[1], place[2]))
        refused = interaction.status in (409, 500)
        if held is None or not asked.isdigit() or refused or held["metadata"]["resourceVersion"] == asked:
            return
        value = copied(held)
        value["metadata"]["resourceVersion"] = asked
        if interaction.method == "PUT":
            for member in ("generation", "managedFields"):
                if metadata.get(member):
                    value["metadata"][member] = metadata[member]
            answer = interaction.answer
            if is_object(answer) and answer["metadata"].get("generation") == metadata.get("generation"):
                value["spec"] = answer.get("spec")
        self.store.place(kind, value)

    def _guess(self, interaction: Interaction, kind: Kind, target: Target, own: Value | None) -> Value | None:
        """An object nobody has seen yet, made from what this interaction tells of it."""
        creates = interaction.headers.get("content-type", "").startswith("application/apply-patch")
        if own is not None and not (creates and interaction.status == 201):
            value = copied(own)
            version = int(value["metadata"]["resourceVersion"])
            value["metadata"]["resourceVersion"] = str(max(1, version - 1))
            if interaction.method == "DELETE":
                finalizers = [
                    one
                    for one in value["metadata"].get("finalizers") or ()
                    if one not in ("foregroundDeletion", "orphan")
                ]
                value["metadata"]["finalizers"] = finalizers
                if not finalizers:
                    del value["metadata"]["finalizers"]
                if "generation" in value["metadata"]:
                    value["metadata"]["generation"] -= 1
                for member in ("deletionTimestamp", "deletionGracePeriodSeconds"):
                    value["metadata"].pop(member, None)
            return value
        needs = interaction.status in (200, 409, 422) or (interaction.status >= 400 and interaction.status != 404)
        if not needs or interaction.status in (401, 403, 405, 415):
            return None
        return self._blank(interaction, kind, target)

    def _blank(self, interaction: Interaction | None, kind: Kind, target: Target) -> Value:
        answer = interaction.answer if interaction is not None else None
        details = answer.get("details") or {} if isinstance(answer, dict) else {}
        options = _json(interaction.body).get("preconditions") or {} if interaction is not None else {}
        metadata: Value = {
            "name": target.name,
            "uid": details.get("uid") or options.get("uid") or "00000000-0000-4000-8000-000000000000",
            "resourceVersion": options.get("resourceVersion") or str(max(1, self.store.version - 1)),
            "creationTimestamp": self.store.now(),
        }
        if kind.generation:
            metadata["generation"] = 1
        if kind.resource.namespaced:
            metadata["namespace"] = target.namespace
        return {"apiVersion": kind.resource.api_version, "kind": kind.resource.kind, "metadata": metadata}

    def _ensure_for_create(self, interaction: Interaction, kind: Kind, target: Target) -> None:
        answer: Any = interaction.answer
        if not isinstance(answer, dict):
            return
        name = str(((answer.get("details") or {}).get("name")) or (answer.get("metadata") or {}).get("name") or "")
        if not name:
            return
        named = Target(target.group, target.version, target.plural, target.namespace, name)
        place = self._place(kind, named)
        if self.world.knows(place):
            self._sync(place, self.world.at(place))
        self._ensure_quota(answer, kind, named)
        held = self.store.peek(kind, (place[1], place[2]))
        exists = answer.get("reason") == "AlreadyExists"
        if exists and held is None:
            self.store.place(kind, self._blank(interaction, kind, named))
        elif not exists and held is not None and interaction.status < 300:
            self.store.drop(kind, (place[1], place[2]))

    def _ensure_quota(self, answer: Value, kind: Kind, target: Target) -> None:
        """An exceeded quota tells how many objects there were."""
        found = _USED.search(str(answer.get("message", "")))
        if not found:
            return
        there = [key for key in self.store.objects(kind.storage) if key[0] == target.namespace]
        for index in range(int(found[1]) - len(there)):
            self.store.place(kind, self._blank(None, kind, replace(target, name=f"presupposed-{index}")))

    def _ensure_collection(self, interaction: Interaction, kind: Kind, target: Target) -> None:
        prefix = f"{kind.resource.api_version}/{kind.resource.kind}"
        shown = _list_version(interaction)
        for place in list(self.world.of_kind(prefix)):
            if not target.namespace or place[1] == target.namespace:
                self._sync(place, self.world.at(place, shown))
        if interaction.status != 200 or interaction.stream is not None:
            return
        listed = {place_of(value): value for value in objects_in(interaction.answer)}
        for place, value in listed.items():
            held = self.store.peek(kind, (place[1], place[2]))
            if held is None or int(held["metadata"]["resourceVersion"]) < int(value["metadata"]["resourceVersion"]):
                self._sync(place, value)
        if interaction.method != "GET":
            return
        self._ensure_names(interaction, kind, target)
        self._ensure_rows(interaction, kind)
        if listed and _is_whole(interaction):
            for key in list(self.store.objects(kind.storage)):
                here: Place = (prefix, key[0], key[1])
                if here not in listed and (not target.namespace or key[0] == target.namespace):
                    self.store.drop(kind, key)
        self._ensure_past(interaction, kind, target)

    def _ensure_names(self, interaction: Interaction, kind: Kind, target: Target) -> None:
        """A list cut to names: objects of these names, made so that they match the field selector."""
        items = interaction.answer.get("items") if isinstance(interaction.answer, dict) else None
        if not items or not all(isinstance(one, str) for one in items):
            return
        held = {key[1]: key for key in self.store.objects(kind.storage)}
        more = (
            ["zzz-more"]
            if (interaction.answer.get("metadata") or {}).get("continue") and len(held) <= len(items)
            else []
        )
        spread = kind.resource.namespaced and not target.namespace
        for index, name in enumerate([*items, *more]):
            if name not in held:
                namespace = target.namespace or f"presupposed-{index:03}"
                if not spread and not target.namespace:
                    namespace = ""
                named = Target(target.group, target.version, target.plural, namespace, name)
                value = self._blank(interaction, kind, named)
                for term in interaction.parameter("fieldSelector").split(","):
                    path, _, wanted = term.partition("=")
                    put(value, path.split("."), wanted)
                self.store.place(kind, value)
        whole = not any(interaction.parameter(one) for one in ("limit", "continue", "labelSelector"))
        if whole and interaction.parameter("resourceVersionMatch") != "Exact":
            for name, key in held.items():
                if name not in items and kind.resource.plural in ("namespaces", "nodes"):
                    self.store.drop(kind, key)

    def _ensure_rows(self, interaction: Interaction, kind: Kind) -> None:
        """A table: only the objects of its rows."""
        answer = interaction.answer
        if not isinstance(answer, dict) or answer.get("kind") != "Table" or interaction.parameter("limit"):
            return
        names = [row["cells"][-1 if kind.resource.plural == "events" else 0] for row in answer.get("rows") or ()]
        if interaction.parameter("labelSelector") or interaction.parameter("fieldSelector"):
            return
        target = parse(interaction.path)
        held = {key[1] for key in self.store.objects(kind.storage)}
        for row, name in zip(answer.get("rows") or (), names, strict=True):
            if name not in held and target is not None:
                self.store.place(kind, self._of_row(interaction, kind, replace(target, name=name), row))
        for key in list(self.store.objects(kind.storage)):
            if key[1] not in names and (not key[0] or key[0] in interaction.path):
                self.store.drop(kind, key)

    def _of_row(self, interaction: Interaction, kind: Kind, target: Target, row: Value) -> Value:
        value = self._blank(interaction, kind, target)
        if row.get("object"):
            value["metadata"] = copied(row["object"]["metadata"])
        if kind.resource.plural == "namespaces":
            value["status"] = {"phase": row["cells"][1]}
        return value

    def _ensure_past(self, interaction: Interaction, kind: Kind, target: Target) -> None:
        """A list of a past version: what it shows was there then."""
        token = interaction.parameter("continue")
        version = interaction.parameter("resourceVersion") if "Exact" in interaction.query_string else ""
        if token:
            version = str(read_token(token)[0])
        if not version.isdigit():
            return
        items = interaction.answer.get("items") or []
        names = {one if isinstance(one, str) else one["metadata"]["name"] for one in items}
        self.store.assume_present(kind, int(version), names)

    # Who asks

    def headers(self, interaction: Interaction, admin: str) -> dict[str, str]:
        """The request's headers with credentials that work here."""
        self._know_reviewed_token(interaction)
        headers = {name: value for name, value in interaction.headers.items() if name != "authorization"}
        given = interaction.headers.get("authorization", "")
        answer = interaction.answer
        message = str(answer.get("message", "")) if isinstance(answer, dict) else ""
        found = _USER.search(message)
        if interaction.credentials == "none":
            return headers
        if interaction.credentials != "bearer":
            headers["authorization"] = f"Bearer {admin}"
        elif not given.startswith("Bearer"):
            headers["authorization"] = given
        elif interaction.status == 401:
            headers["authorization"] = "Bearer no-such-token"
        elif found and found[1] == "system:anonymous":
            headers["authorization"] = "Bearer "
        else:
            headers["authorization"] = f"Bearer {self._account_token(found[1] if found else '')}"
        return headers

    def _know_reviewed_token(self, interaction: Interaction) -> None:
        """A token that a review recognised; recordings hide tokens."""
        status = interaction.answer.get("status") if isinstance(interaction.answer, dict) else None
        if isinstance(status, dict) and status.get("authenticated") and isinstance(status.get("user"), dict):
            user = status["user"]
            extra = tuple((name, tuple(values)) for name, values in (user.get("extra") or {}).items())
            token = str((_json(interaction.body).get("spec") or {}).get("token", ""))
            groups = tuple(user.get("groups") or ())
            self.tokens.add(token, User(user.get("username", ""), groups, user.get("uid", ""), extra))

    def _account_token(self, user: str) -> str:
        if user.startswith(ACCOUNT_PREFIX):
            self.account = user
        name = self.account or f"{ACCOUNT_PREFIX}apigold-auth:dev"
        token = f"token-of-{name}"
        if token not in self.tokens.known:
            self.tokens.add(token, User(name, account_groups(name)))
        return token


def _json(body: bytes | None) -> Value:
    try:
        value = json.loads(body or b"{}")
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _list_version(interaction: Interaction) -> int | None:
    """The version a list or table shows; None for lists of past states, which the history tells."""
    if interaction.parameter("continue") or interaction.parameter("resourceVersionMatch") == "Exact":
        return None
    metadata = interaction.answer.get("metadata") if isinstance(interaction.answer, dict) else None
    text = str((metadata or {}).get("resourceVersion", ""))
    return int(text) if text.isdigit() else None


def _shown_version(interaction: Interaction) -> int:
    metadata = interaction.answer.get("metadata") if isinstance(interaction.answer, dict) else None
    text = str((metadata or {}).get("resourceVersion", ""))
    return int(text) if text.isdigit() else 0


def _creations(answer: Any) -> Iterator[str]:
    """Creation times of the items of a list."""
    for item in (answer.get("items") or ()) if isinstance(answer, dict) else ():
        if isinstance(item, dict) and item.get("metadata", {}).get("creationTimestamp"):
            yield item["metadata"]["creationTimestamp"]


def _rows(interaction: Interaction) -> dict[str, Value]:
    """The rows of a table by name; none for other answers."""
    answer = interaction.answer
    if not isinstance(answer, dict) or answer.get("kind") != "Table":
        return {}
    return {str(row["cells"][place]): row for row in answer.get("rows") or () for place in (0, -1)}


def put(value: Value, path: list[str], wanted: Any) -> None:
    """Set a member under a path of names; metadata is left alone."""
    if not path[0] or path[0] == "metadata":
        return
    for name in path[:-1]:
        value = value.setdefault(name, {})
    value[path[-1]] = wanted


def _same_state(held: Value, value: Value) -> bool:
    one, other = held["metadata"], value["metadata"]
    return bool(one.get("resourceVersion") == other.get("resourceVersion") and one.get("uid") == other.get("uid"))


def _is_whole(interaction: Interaction) -> bool:
    """A list of everything there was."""
    cut = ("limit", "continue", "labelSelector", "fieldSelector", "resourceVersionMatch")
    items = interaction.answer.get("items") if isinstance(interaction.answer, dict) else None
    return not any(interaction.parameter(name) for name in cut) and all(isinstance(one, dict) for one in items or ())
