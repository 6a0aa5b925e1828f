"""The state a recorded request presupposes: namespaces, the object it names, the collection it lists, who asks."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from clusters.embedded.api.kinds import Kind
from clusters.embedded.api.namespaces import complete
from clusters.embedded.api.target import Target, parse
from clusters.embedded.api.values import copied
from conformance.api.resources import NAMESPACES, Resource
from conformance.golden.credentials import json_of
from conformance.golden.interaction import Interaction, Value
from conformance.golden.presupposed_lists import Collections
from conformance.golden.presupposed_words import BELOW_PODS, add_told, quota_of
from conformance.golden.recorded_world import Place, World, is_object, objects_in, place_of
from conformance.golden.replay_store import ReplayStore

RESOURCE_QUOTAS = Resource("", "v1", "resourcequotas", "ResourceQuota")
_USED = re.compile(r"exceeded quota: .*?, used: \S+?=(\d+), limited")
_USER = re.compile(r'User "([^"]+)"')


class Preparation:
    """Brings a store to the state before an interaction."""

    def __init__(self, store: ReplayStore, world: World) -> None:
        self.store = store
        self.world = world
        self.collections = Collections(self)

    def prepare(self, interaction: Interaction) -> None:
        self.collections.forget_fillers()
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
            self.collections.prepare(interaction, kind, target)

    def _ensure_definitions(self) -> None:
        """Custom kinds that the recording defines by now; one that was ending has ended by itself."""
        for place in self.world.of_kind("CustomResourceDefinition"):
            value, kind = self.world.at(place), self._kind_at(place)
            ending = value is not None and "deletionTimestamp" in value["metadata"]
            if not ending or (kind is not None and self.store.peek(kind, (place[1], place[2])) is not None):
                self.sync(place, value)

    def _ensure_accounts(self) -> None:
        for kind in ("Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding", "ResourceQuota"):
            for place in self.world.of_kind(kind):
                self.sync(place, self.world.at(place))

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
            self.sync(place, known)
        elif (held is None and interaction.method == "POST" and interaction.status < 400) or (
            held is None and interaction.method != "GET" and interaction.status != 404
        ):
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

    def sync(self, place: Place, value: Value | None) -> None:
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
            (json_of(interaction.body).get("metadata") or {}).get("resourceVersion")
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
            self.sync(place, self.world.at(place))
        self._take_asked_version(interaction, kind, place)
        if interaction.status == 404:
            message = str(answer.get("message", "")) if isinstance(answer, dict) else str(answer)
            missing = f'"{target.name}" not found' in message or not isinstance(answer, dict)
            if missing and self.store.peek(kind, (place[1], place[2])) is not None and not target.subresource:
                self.store.drop(kind, (place[1], place[2]))
            return
        if interaction.method in ("GET", "HEAD"):
            self._ensure_read(interaction, kind, target, own)
            return
        if interaction.status == 201 and interaction.method == "PATCH":
            self.store.drop(kind, (place[1], place[2]))
            return
        if self.store.peek(kind, (place[1], place[2])) is not None:
            return
        guess = self._guess(interaction, kind, target, own)
        if guess is not None:
            self.store.place(kind, guess)
            self._take_asked_version(interaction, kind, place)

    def _ensure_read(self, interaction: Interaction, kind: Kind, target: Target, own: Value | None) -> None:
        """An object that is read: as the answer shows it, whole or as the metadata of a table's row."""
        place = self._place(kind, target)
        if own is not None:
            self.sync(place, own)
            return
        held = self.store.peek(kind, (place[1], place[2]))
        rows = interaction.answer.get("rows") if isinstance(interaction.answer, dict) else None
        shown = (rows[0].get("object") or {}).get("metadata") if rows else None
        if shown:
            base = held or self.blank(interaction, kind, target)
            self.store.place(kind, {**base, "metadata": shown})
        elif held is None and (200 <= interaction.status < 300 or target.subresource in BELOW_PODS):
            self.store.place(kind, self.blank(interaction, kind, target))

    def _take_asked_version(self, interaction: Interaction, kind: Kind, place: Place) -> None:
        """A request that succeeds knew the version: what was missed between is only seen in it."""
        body = json_of(interaction.body)
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
        needs = interaction.status in (200, 201, 409, 422) or (interaction.status >= 400 and interaction.status != 404)
        if not needs or interaction.status in (401, 403, 405, 415):
            return None
        return self.blank(interaction, kind, target)

    def blank(self, interaction: Interaction | None, kind: Kind, target: Target) -> Value:
        answer = interaction.answer if interaction is not None else None
        details = answer.get("details") or {} if isinstance(answer, dict) else {}
        options = json_of(interaction.body).get("preconditions") or {} if interaction is not None else {}
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
        head = {"apiVersion": kind.resource.api_version, "kind": kind.resource.kind, "metadata": metadata}
        spec = ((kind.schema or {}).get("properties") or {}).get("spec") if kind.custom else None
        made: Value = {**head, "spec": least(spec)} if spec else head
        if interaction is not None:
            add_told(made, interaction, kind, target)
        return made

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
            self.sync(place, self.world.at(place))
        self._ensure_quota(answer, kind, named)
        held = self.store.peek(kind, (place[1], place[2]))
        exists = answer.get("reason") == "AlreadyExists"
        if exists and held is None:
            self.store.place(kind, self.blank(interaction, kind, named))
        elif not exists and held is not None and interaction.status < 300:
            self.store.drop(kind, (place[1], place[2]))

    def _ensure_quota(self, answer: Value, kind: Kind, target: Target) -> None:
        """An exceeded quota tells how many objects there were."""
        message = str(answer.get("message", ""))
        found, quota = _USED.search(message), quota_of(message)
        if not found or quota is None:
            return
        quotas = self.store.kinds.of(RESOURCE_QUOTAS)
        if self.store.peek(quotas, (target.namespace, quota[0])) is None:
            named = Target("", "v1", "resourcequotas", target.namespace, quota[0])
            self.store.place(quotas, {**self.blank(None, quotas, named), "spec": quota[1]})
        there = [key for key in self.store.objects(kind.storage) if key[0] == target.namespace]
        for index in range(int(found[1]) - len(there)):
            self.store.place(kind, self.blank(None, kind, replace(target, name=f"presupposed-{index}")))


def least(schema: Any) -> Any:
    """The smallest value a schema allows."""
    type_ = schema.get("type")
    if type_ == "object":
        properties = schema.get("properties") or {}
        return {name: least(properties[name]) for name in schema.get("required") or () if name in properties}
    if type_ == "array":
        return [least(schema["items"])]
    return {"integer": 0, "number": 0, "boolean": False}.get(str(type_), (schema.get("enum") or ["x"])[0])


def _same_state(held: Value, value: Value) -> bool:
    one, other = held["metadata"], value["metadata"]
    return bool(one.get("resourceVersion") == other.get("resourceVersion") and one.get("uid") == other.get("uid"))
