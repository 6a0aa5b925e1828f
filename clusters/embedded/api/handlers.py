"""From a request to its answer: who asks, may they, what is meant, who handles it."""

from __future__ import annotations

import logging
from collections.abc import Callable

from clusters.embedded.api import discovery_documents, list_handler, table_convertor, watch_handler
from clusters.embedded.api.admission_chain import AdmissionChain, Hooks, ObjectSource
from clusters.embedded.api.api_errors import ApiError, Object, internal, method_not_allowed, not_found, unknown_resource
from clusters.embedded.api.auth import Tokens, authenticate
from clusters.embedded.api.content_negotiation import OBJECT_SHAPES, Form, negotiate
from clusters.embedded.api.kinds import Kind
from clusters.embedded.api.patch_handler import Patcher
from clusters.embedded.api.query_options import ListOptions, parsed_version
from clusters.embedded.api.rbac import AccessReviews, Authorizer
from clusters.embedded.api.request import Request, RequestInfo, Response
from clusters.embedded.api.selectors import FieldSelector, LabelSelector
from clusters.embedded.api.store import Store
from clusters.embedded.api.subresource_handler import Subresources
from clusters.embedded.api.write_handler import Deleter, Writer

Handler = Callable[[Request, Kind, RequestInfo], Response]

log = logging.getLogger(__name__)


class Server:
    """The API server without its transport."""

    def __init__(self, store: Store, tokens: Tokens, hooks: Hooks) -> None:
        self.store = store
        self._tokens = tokens
        self._hooks = hooks
        self._authorizer = Authorizer(store)
        admission = AdmissionChain(store, hooks)
        self._writer = Writer(store, admission)
        self._patcher = Patcher(self._writer)
        self._deleter = Deleter(store, admission)
        self._reviews = AccessReviews(store, self._authorizer, tokens)
        self._subresources = Subresources(
            self._writer, self._patcher, self._deleter, self._reviews, self._get, lambda: hooks.logs
        )

    async def answer(self, request: Request) -> Response:
        """Answer any request; errors become Status objects."""
        try:
            request.user = authenticate(request, self._tokens, self.store.clock.wall())
            info = RequestInfo.parse(request.path)
            self._authorizer.check(request, info)
            if info is None:
                return discovery_documents.answer(request, self.store.kinds)
            return await self._resource(request, info)
        except ApiError as error:
            return Response(error.code, value=error.body(), headers=error.headers)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, RecursionError) as error:
            log.exception("%s %s", request.method, request.path)
            return Response(500, value=internal(f"{type(error).__name__}: {error}").body())

    async def _resource(self, request: Request, info: RequestInfo) -> Response:
        kinds = self.store.kinds
        if not info.plural:
            found = discovery_documents.resources(kinds, info.group, info.version)
            if found is None:
                raise unknown_resource()
            if request.method not in ("GET", "HEAD"):
                raise method_not_allowed()
            return Response(value=found)
        kind = kinds.find(info.group, info.version, info.plural)
        if kind is None or ".." in request.path.split("/"):
            raise unknown_resource()
        if kind.deprecated:
            request.warn(kind.deprecated)
        source = self._hooks.computed.get(kind.storage)
        if source is not None:
            return _computed(request, kind, info, source)
        if not kind.stored:
            return self._reviews.answer(request, kind, info)
        if info.subresource:
            return await self._subresources.answer(request, kind, info)
        return self._object(request, kind, info) if info.name else self._collection(request, kind, info)

    def _collection(self, request: Request, kind: Kind, info: RequestInfo) -> Response:
        if request.method in ("GET", "HEAD"):
            options = ListOptions.of(request)
            answer = watch_handler.answer if options.watch else list_handler.answer
            return answer(self.store, request, kind, info, options)
        if request.method == "POST" and (info.namespace or not kind.resource.namespaced):
            return self._written(request, kind, self._writer.create, info)
        if request.method == "DELETE" and "deletecollection" in kind.verbs:
            return self._deleter.delete_collection(request, kind, info)
        raise method_not_allowed()

    def _object(self, request: Request, kind: Kind, info: RequestInfo) -> Response:
        if request.method in ("GET", "HEAD"):
            if request.flag("watch"):
                request.query["fieldSelector"] = [f"metadata.name={info.name}"]
                return watch_handler.answer(self.store, request, kind, info, ListOptions.of(request))
            return self._get(request, kind, info)
        handlers: dict[str, Handler] = {
            "PUT": self._writer.update,
            "PATCH": self._patcher.patch,
            "DELETE": self._deleter.delete,
        }
        if request.method not in handlers:
            raise method_not_allowed()
        return self._written(request, kind, handlers[request.method], info)

    def _written(self, request: Request, kind: Kind, handler: Handler, info: RequestInfo) -> Response:
        """A write, answered in the form asked for; a form nobody makes is refused before anything is written."""
        form = negotiate(request, OBJECT_SHAPES)
        response = handler(request, kind, info)
        if response.value["kind"] != "Status":
            response.value = self._shaped(request, kind, response.value, form)
        return response

    def _get(self, request: Request, kind: Kind, info: RequestInfo) -> Response:
        """GET on an object."""
        form = negotiate(request, OBJECT_SHAPES)
        parsed_version(request.one("resourceVersion"), self.store.version)
        held = self._writer.held(kind, info)
        return Response(value=self._shaped(request, kind, list_handler.shown(kind, held), form))

    def _shaped(self, request: Request, kind: Kind, value: Object, form: Form) -> Object:
        """One object in the form asked for."""
        if form.shape == "Table":
            metadata = {"resourceVersion": value["metadata"]["resourceVersion"]}
            include, now = table_convertor.included(request), self.store.clock.wall()
            return table_convertor.table(kind, [value], metadata, now, include=include, version=form.version)
        return table_convertor.partial(value, form.version) if form.shape else value


def _computed(request: Request, kind: Kind, info: RequestInfo, source: ObjectSource) -> Response:
    """GET of one object or of a list of a kind that is computed for each answer, as an API server of its own behind the
    aggregation layer would; nothing of it is stored, so it cannot be watched. Raises ApiError."""
    if request.method not in ("GET", "HEAD") or info.subresource or request.flag("watch"):
        raise method_not_allowed()
    found = source(info.namespace)
    if info.name:
        for value in found:
            if value["metadata"]["name"] == info.name:
                return Response(value=value)
        raise not_found(kind.resource.plural, kind.resource.group, info.name)
    options = ListOptions.of(request)
    labels, fields = LabelSelector.parse(options.labels), FieldSelector.parse(options.fields, kind)
    chosen = [one for one in found if labels.matches(one["metadata"].get("labels") or {}) and fields.matches(one)]
    return Response(value=list_handler.list_object(kind, chosen, {}))
