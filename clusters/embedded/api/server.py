"""From a request to its answer: who asks, may they, what is meant, who handles it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

from clusters.embedded.api import discovery, listing, table, watching
from clusters.embedded.api.admission import Gate
from clusters.embedded.api.auth import Tokens, authenticate
from clusters.embedded.api.deleting import Deleter
from clusters.embedded.api.exchange import Call, Reply, page_not_found
from clusters.embedded.api.fields import FieldSelector
from clusters.embedded.api.hooks import Hooks
from clusters.embedded.api.kinds import Kind
from clusters.embedded.api.listing import in_version
from clusters.embedded.api.media import Form, negotiate
from clusters.embedded.api.options import ListOptions, parsed_version, too_large_version
from clusters.embedded.api.patching import Patcher
from clusters.embedded.api.rbac import Authorizer
from clusters.embedded.api.reviews import Reviews
from clusters.embedded.api.attributes import VERBS
from clusters.embedded.api.status import ApiError, bad_request, method_not_allowed, unknown_resource, unsupported_verb
from clusters.embedded.api.store import Store
from clusters.embedded.api.subresources import Subresources
from clusters.embedded.api.target import Target, parse
from clusters.embedded.api.writing import Writer

HEALTH: Final = ("/healthz", "/livez", "/readyz")
LIST_SHAPES: Final = ("Table", "PartialObjectMetadataList")
OBJECT_SHAPES: Final = ("Table", "PartialObjectMetadata")


class Server:
    """The API server without its transport."""

    def __init__(self, store: Store, tokens: Tokens, hooks: Hooks) -> None:
        self.store = store
        self.tokens = tokens
        self.hooks = hooks
        self.address = "127.0.0.1"
        self.authorizer = Authorizer(store)
        gate = Gate(store, hooks)
        self.writer = Writer(store, gate)
        self.patcher = Patcher(self.writer)
        self.deleter = Deleter(store, gate)
        self.subresources = Subresources(self)
        self.reviews = Reviews(store, self.authorizer, tokens)
        tokens.wall = store.clock.wall

    async def answer(self, call: Call) -> Reply:
        """Answer any request; errors become Status objects."""
        try:
            call.user = authenticate(call, self.tokens)
            target = parse(call.path)
            self.authorizer.check(call, target)
            if target is None:
                return self._elsewhere(call)
            return await self._resource(call, target)
        except ApiError as error:
            return Reply(error.code, value=error.body(), headers=dict(error.headers))

    async def websocket(
        self,
        scope: MutableMapping[str, Any],
        receive: Callable[[], Awaitable[MutableMapping[str, Any]]],
        send: Callable[[MutableMapping[str, Any]], Awaitable[None]],
    ) -> None:
        """Refuse: nothing here speaks WebSocket yet."""
        await receive()
        await send({"type": "websocket.close", "code": 1011})

    def _elsewhere(self, call: Call) -> Reply:
        path = call.path.rstrip("/") or "/"
        if path in HEALTH:
            return Reply(raw=b"ok", content_type="text/plain; charset=utf-8")
        if path == "/version":
            return Reply(value=discovery.VERSION)
        if path == "/api":
            return discovery.root(call, self.store.kinds, self.address, core=True)
        if path == "/apis":
            return discovery.root(call, self.store.kinds, self.address, core=False)
        parts = path.split("/")
        if len(parts) == 3 and parts[1] == "apis":
            found = discovery.group(self.store.kinds, parts[2])
            return page_not_found() if found is None else Reply(value=found)
        return page_not_found()

    async def _resource(self, call: Call, target: Target) -> Reply:
        kinds = self.store.kinds
        if not target.plural:
            found = discovery.resources(kinds, target.group, target.version)
            return page_not_found() if found is None else Reply(value=found)
        kind = kinds.find(target.group, target.version, target.plural)
        if kind is None:
            if any(one.custom for one in kinds.in_version(target.group, target.version)) or not kinds.in_version(
                target.group, target.version
            ):
                return page_not_found()
            raise unknown_resource()
        if kind.deprecated:
            call.warn(kind.deprecated)
        if not kind.stored:
            return self.reviews.answer(call, kind, target)
        if target.subresource:
            return await self.subresources.answer(call, kind, target)
        if not target.name:
            return self._collection(call, kind, target)
        return self._object(call, kind, target)

    def _collection(self, call: Call, kind: Kind, target: Target) -> Reply:
        if call.method in ("GET", "HEAD"):
            return self.list_or_watch(call, kind, target)
        if kind.resource.namespaced and not target.namespace:
            if kind.custom:
                return page_not_found()
            raise method_not_allowed()
        if call.method == "POST":
            return self.writer.create(call, kind, target)
        if call.method == "DELETE" and "deletecollection" in kind.verbs:
            return self.deleter.delete_collection(call, kind, target)
        if kind.custom and call.method in ("PUT", "PATCH"):
            raise bad_request("name must be provided")
        raise method_not_allowed()

    def list_or_watch(self, call: Call, kind: Kind, target: Target, name: str = "") -> Reply:
        """GET on a collection."""
        options = ListOptions.of(call)
        if options.watch:
            form = negotiate(call, custom=kind.custom, shapes=OBJECT_SHAPES)
            include = call.one("includeObject")
            return watching.reply(self.store, kind, target.namespace, form, options, include=include, name=name)
        form = negotiate(call, custom=kind.custom, shapes=LIST_SHAPES)
        return listing.reply(self.store, kind, target.namespace, call, form, options, name)

    def _object(self, call: Call, kind: Kind, target: Target) -> Reply:
        if call.method in ("GET", "HEAD"):
            return self.get(call, kind, target)
        if call.method == "PUT":
            return self.writer.update(call, kind, target)
        if call.method == "PATCH":
            return self.patcher.patch(call, kind, target)
        if call.method == "DELETE":
            return self.deleter.delete(call, kind, target)
        if call.method == "POST" and kind.custom:
            return self.writer.create(call, kind, target)
        raise self.refused_method(call, kind)

    def refused_method(self, call: Call, kind: Kind) -> ApiError:
        """405 in the words of the kind."""
        if kind.custom:
            verb = VERBS.get(call.method, "")
            return unsupported_verb(kind.resource.plural, kind.resource.group, verb)
        return method_not_allowed()

    def get(self, call: Call, kind: Kind, target: Target) -> Reply:
        """GET on an object."""
        form = negotiate(call, custom=kind.custom, shapes=OBJECT_SHAPES)
        if call.flag("watch"):
            return self.list_or_watch(call, kind, target, target.name)
        try:
            asked = parsed_version(call.one("resourceVersion"))
        except ValueError as error:
            raise bad_request(f"invalid resource version: {error}") from None
        if asked > self.store.version:
            raise too_large_version(asked, self.store.version)
        value = in_version(kind, self.writer.held(kind, target))
        return self.shaped(call, kind, value, form)

    def shaped(self, call: Call, kind: Kind, value: Any, form: Form) -> Reply:
        """One object in the form asked for."""
        if form.shape == "Table":
            metadata = {"resourceVersion": value["metadata"]["resourceVersion"]}
            include = call.one("includeObject")
            return Reply(
                value=table.table(
                    kind, [value], metadata, self.store.clock.wall(), include=include, version=form.shape_version
                )
            )
        if form.shape:
            return Reply(value=table.partial(value, form.shape_version))
        return Reply(value=value, custom=kind.custom)


__all__ = ["FieldSelector", "Server"]
