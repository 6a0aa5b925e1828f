"""From a request to its answer: who asks, may they, what is meant, who handles it."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

from clusters.embedded.api import computed, conversion, discovery, listing, nonresource, table, watching
from clusters.embedded.api.admission import Gate
from clusters.embedded.api.attributes import VERBS
from clusters.embedded.api.auth import Tokens, authenticate
from clusters.embedded.api.components import component_statuses
from clusters.embedded.api.deleting import Deleter
from clusters.embedded.api.exchange import Call, Reply, page_not_found
from clusters.embedded.api.hooks import Hooks
from clusters.embedded.api.kinds import Kind
from clusters.embedded.api.media import Form, negotiate, negotiate_watch
from clusters.embedded.api.options import ListOptions, parsed_version, too_large_version
from clusters.embedded.api.patching import Patcher
from clusters.embedded.api.rbac import Authorizer
from clusters.embedded.api.reviews import Reviews
from clusters.embedded.api.status import (
    ApiError,
    bad_request,
    internal,
    method_not_allowed,
    unknown_resource,
    unsupported_verb,
)
from clusters.embedded.api.store import Store
from clusters.embedded.api.subresources import Subresources
from clusters.embedded.api.target import Target, parse
from clusters.embedded.api.writing import Writer

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
                return nonresource.answer(call, self.store, self.address)
            return await self._resource(call, target)
        except ApiError as error:
            return Reply(error.code, value=error.body(), headers=dict(error.headers))
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, RecursionError) as error:
            logging.getLogger(__name__).exception("%s %s", call.method, call.path)
            return Reply(500, value=internal(f"{type(error).__name__}: {error}").body())

    async def websocket(
        self,
        scope: MutableMapping[str, Any],
        receive: Callable[[], Awaitable[MutableMapping[str, Any]]],
        send: Callable[[MutableMapping[str, Any]], Awaitable[None]],
    ) -> None:
        """Refuse: nothing here speaks WebSocket yet."""
        await receive()
        await send({"type": "websocket.close", "code": 1011})

    async def _resource(self, call: Call, target: Target) -> Reply:
        kinds = self.store.kinds
        if ".." in call.path.split("/"):
            raise unknown_resource()
        if not target.plural:
            found = discovery.resources(kinds, target.group, target.version)
            if found is None:
                return self._unknown(target)
            negotiate(call, custom=False)
            return nonresource.only_get(call, Reply(value=found))
        if target.plural == "watch" and target.rest_path:
            return await self._legacy_watch(call, target)
        kind = kinds.find(target.group, target.version, target.plural)
        if kind is None:
            return self._unknown(target)
        if kind.deprecated:
            call.warn(kind.deprecated)
        source = self.hooks.computed.get(kind.storage)
        if source is not None:
            return computed.answer(call, kind, target, source)
        if not kind.stored:
            return self.reviews.answer(call, kind, target)
        if target.subresource:
            return await self.subresources.answer(call, kind, target)
        if kind.storage == ("", "componentstatuses"):
            return component_statuses(call, target)
        if not target.name:
            return self._collection(call, kind, target)
        return self._object(call, kind, target)

    def _unknown(self, target: Target) -> Reply:
        """404: plain text where custom kinds live or could live, a Status in the groups of the server itself."""
        if any(not one.custom for one in self.store.kinds if one.resource.group == target.group):
            raise unknown_resource()
        return page_not_found()

    async def _legacy_watch(self, call: Call, target: Target) -> Reply:
        """The old watch paths of built-in kinds: /api/v1/watch/..."""
        call.query["watch"] = ["true"]
        head = "/api" if not target.group else f"/apis/{target.group}"
        inner = parse(f"{head}/{target.version}/{target.rest_path}")
        if inner is None or not inner.plural:
            raise unknown_resource()
        return await self._resource(call, inner)

    def _collection(self, call: Call, kind: Kind, target: Target) -> Reply:
        if call.method in ("GET", "HEAD"):
            return self.list_or_watch(call, kind, target)
        if kind.resource.namespaced and not target.namespace:
            if kind.custom:
                return page_not_found()
            raise method_not_allowed()
        if call.method == "POST":
            return self._written(call, kind, self.writer.create, target)
        if call.method == "DELETE" and "deletecollection" in kind.verbs:
            negotiate(call, custom=kind.custom, shapes=LIST_SHAPES)
            return self.deleter.delete_collection(call, kind, target)
        if kind.custom and call.method in ("PUT", "PATCH"):
            raise bad_request("name must be provided")
        raise method_not_allowed()

    def list_or_watch(self, call: Call, kind: Kind, target: Target, name: str = "") -> Reply:
        """GET on a collection."""
        options = ListOptions.of(call)
        if options.watch:
            form = negotiate_watch(call, custom=kind.custom, shapes=OBJECT_SHAPES)
            include = table.included(call) if form.shape == "Table" else ""
            return watching.reply(self.store, kind, target.namespace, form, options, include=include, name=name)
        form = negotiate(call, custom=kind.custom, shapes=LIST_SHAPES)
        return listing.reply(self.store, kind, target.namespace, call, form, options, name)

    def _object(self, call: Call, kind: Kind, target: Target) -> Reply:
        if call.method in ("GET", "HEAD"):
            return self.get(call, kind, target)
        handlers = {"PUT": self.writer.update, "PATCH": self.patcher.patch, "DELETE": self.deleter.delete}
        if call.method == "POST" and kind.custom:
            return self._written(call, kind, self.writer.create, target)
        if call.method in handlers:
            return self._written(call, kind, handlers[call.method], target)
        raise self.refused_method(call, kind)

    def _written(self, call: Call, kind: Kind, handler: Callable[[Call, Kind, Target], Reply], target: Target) -> Reply:
        """A write, answered in the form asked for; a form nobody makes is refused before anything is written."""
        form = negotiate(call, custom=kind.custom, shapes=OBJECT_SHAPES)
        reply = handler(call, kind, target)
        if not form.shape or reply.value["kind"] == "Status":
            return reply
        return Reply(reply.status, value=self.shaped(call, kind, reply.value, form).value)

    def refused_method(self, call: Call, kind: Kind) -> ApiError:
        """405 in the words of the kind."""
        if kind.custom:
            verb = VERBS.get(call.method, "")
            return unsupported_verb(kind.resource.plural, kind.resource.group, verb)
        return method_not_allowed()

    def get(self, call: Call, kind: Kind, target: Target) -> Reply:
        """GET on an object."""
        form = negotiate(call, custom=kind.custom, shapes=OBJECT_SHAPES)
        if call.has("export"):
            raise bad_request("the export parameter, deprecated since v1.14, is no longer supported")
        try:
            asked = parsed_version(call.one("resourceVersion"))
        except ValueError as error:
            raise bad_request(f"invalid resource version: {error}") from None
        if asked > self.store.version:
            raise too_large_version(asked, self.store.version)
        value = conversion.shown(kind, self.writer.held(kind, target))
        return self.shaped(call, kind, value, form)

    def shaped(self, call: Call, kind: Kind, value: Any, form: Form) -> Reply:
        """One object in the form asked for."""
        if form.shape == "Table":
            metadata = {"resourceVersion": value["metadata"]["resourceVersion"]}
            include = table.included(call)
            return Reply(
                value=table.table(
                    kind, [value], metadata, self.store.clock.wall(), include=include, version=form.shape_version
                )
            )
        if form.shape:
            return Reply(value=table.partial(value, form.shape_version))
        return Reply(value=value, custom=kind.custom)
