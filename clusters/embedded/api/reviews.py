"""Kinds that are questions: access reviews, token reviews, token requests. Nothing of them is stored."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from clusters.embedded.api import managed
from clusters.embedded.api.attributes import Attributes
from clusters.embedded.api.auth import Tokens
from clusters.embedded.api.decoding import decode
from clusters.embedded.api.exchange import Call, Reply, User
from clusters.embedded.api.go_words import go_json
from clusters.embedded.api.kinds import Kind
from clusters.embedded.api.rbac import ACCOUNT_PREFIX, Authorizer, account_groups
from clusters.embedded.api.status import Cause, Object, bad_request, conflict, invalid, method_not_allowed, not_found
from clusters.embedded.api.store import Store, timestamp
from clusters.embedded.api.target import Target
from clusters.embedded.api.write_options import WriteOptions

AUDIENCE = "https://kubernetes.default.svc.cluster.local"
DEFAULT_TOKEN_SECONDS = 3600
LONGEST_TOKEN_SECONDS = 1 << 32
BINDABLE = (("", "nodes"), ("", "pods"), ("", "secrets"))
SHORTEST_TOKEN_SECONDS = 600
CREDENTIAL = "authentication.kubernetes.io/credential-id"


class Reviews:
    """Answers reviews."""

    def __init__(self, store: Store, authorizer: Authorizer, tokens: Tokens) -> None:
        self._store = store
        self._authorizer = authorizer
        self._tokens = tokens

    def answer(self, call: Call, kind: Kind, target: Target) -> Reply:
        """POST of a review."""
        if call.method != "POST" or target.name:
            raise method_not_allowed()
        options = WriteOptions.of(call, "CreateOptions")
        value = decode(call, kind, options.field_validation)
        metadata = value["metadata"]
        if kind.resource.namespaced and target.namespace:
            if metadata.get("namespace") and metadata["namespace"] != target.namespace:
                raise bad_request(
                    "the namespace of the provided object does not match the namespace sent on the request"
                )
            metadata["namespace"] = target.namespace
        spec = value.get("spec") or {}
        name = kind.resource.kind
        if name == "SelfSubjectReview":
            metadata["creationTimestamp"] = self._store.now()
            value["status"] = {"userInfo": _user_info(call.user)}
            return Reply(201, value=value)
        if name == "SelfSubjectRulesReview":
            return Reply(201, value=self._rules(call.user, value, spec))
        managed.track(kind, None, value, options.manager, self._store.now())
        if name == "TokenReview":
            value["status"] = self._token(spec)
            return Reply(201, value=value)
        user = call.user
        if name != "SelfSubjectAccessReview":
            user = User(spec.get("user", ""), tuple(spec.get("groups") or ()))
            if not user.name and not user.groups:
                text = "Invalid value: {}: at least one of user or group must be specified"
                self._refuse(Cause("FieldValueInvalid", text.format('""'), "spec.user"))
        value["status"] = self._access(user, value, spec)
        return Reply(201, value=value)

    def _refuse(self, cause: Cause) -> None:
        raise invalid("", "authorization.k8s.io", "", [cause])

    def _access(self, user: User, value: Object, spec: Object) -> Object:
        resource, path = spec.get("resourceAttributes"), spec.get("nonResourceAttributes")
        if resource is not None and path is not None:
            shown = go_json({name[:1].upper() + name[1:]: path.get(name, "") for name in ("path", "verb")})
            text = f"Invalid value: {shown}: cannot be specified in combination with resourceAttributes"
            self._refuse(Cause("FieldValueInvalid", text, "spec.nonResourceAttributes"))
        if resource is None and path is None:
            text = "Invalid value: null: exactly one of nonResourceAttributes or resourceAttributes must be specified"
            self._refuse(Cause("FieldValueInvalid", text, "spec.resourceAttributes"))
        own = value["metadata"].get("namespace")
        if resource and own and resource.get("namespace") != own:
            shown = resource.get("namespace", "")
            text = f'Invalid value: "{shown}": must match metadata.namespace'
            self._refuse(Cause("FieldValueInvalid", text, "spec.resourceAttributes.namespace"))
        allowed, reason = self._authorizer.decide(asked_by(user, resource, path))
        return {"allowed": allowed, "reason": reason} if reason else {"allowed": allowed}

    def _rules(self, user: User, value: Object, spec: Object) -> Object:
        namespace = spec.get("namespace")
        if not namespace:
            raise bad_request("no namespace on request")
        resources: list[Object] = []
        paths: list[Object] = []
        for rule, _ in self._authorizer.rules_for(user, namespace):
            if rule.get("nonResourceURLs"):
                paths.append({"verbs": rule["verbs"], "nonResourceURLs": rule["nonResourceURLs"]})
                continue
            line: Object = {"verbs": rule["verbs"], "apiGroups": rule["apiGroups"], "resources": rule["resources"]}
            if rule.get("resourceNames"):
                line["resourceNames"] = rule["resourceNames"]
            resources.append(line)
        value["spec"] = {}
        value["status"] = {"resourceRules": resources, "nonResourceRules": paths, "incomplete": False}
        return value

    def _token(self, spec: Object) -> Object:
        if not spec.get("token"):
            raise bad_request("token is required for TokenReview in authentication")
        user = self._tokens.user_of(str(spec["token"]))
        if user is None:
            return {"user": {}, "error": "invalid bearer token"}
        return {"authenticated": True, "user": _user_info(user), "audiences": [AUDIENCE]}

    def _check_bound(self, account: Object, reference: Object | None) -> None:
        """What a token is bound to must be there, be the one meant, and run as the account. Raises ApiError."""
        if not reference:
            return
        kind = self._store.kinds.named(str(reference.get("apiVersion", "v1")), str(reference.get("kind", "")))
        if kind is None or kind.storage not in BINDABLE:
            raise bad_request(f"cannot bind token to object of type {reference.get('kind', '')}")
        name = str(reference.get("name", ""))
        namespace = account["namespace"] if kind.resource.namespaced else ""
        found = self._store.peek(kind, (namespace, name))
        if found is None:
            raise not_found(kind.resource.plural, "", name)
        uid = reference.get("uid")
        if uid and uid != found["metadata"]["uid"]:
            text = (
                f"the UID in the bound object reference ({uid}) does not match the UID in record. "
                "The object might have been deleted and then recreated"
            )
            raise conflict(kind.resource.plural, "", name, text)
        runs_as = (found.get("spec") or {}).get("serviceAccountName")
        if kind.storage == ("", "pods") and runs_as != account["name"]:
            whose = f'cannot bind token for serviceaccount "{account["name"]}"'
            raise bad_request(f"{whose} to pod running with different serviceaccount name.")

    def issue(self, call: Call, account: Object, value: Object, options: WriteOptions) -> Object:
        """A token for a service account: the answer to a TokenRequest."""
        spec: dict[str, Any] = dict(value.get("spec") or {})
        seconds = spec.get("expirationSeconds") or DEFAULT_TOKEN_SECONDS
        if not SHORTEST_TOKEN_SECONDS <= seconds <= LONGEST_TOKEN_SECONDS:
            limit = "less than 10 minutes" if seconds < SHORTEST_TOKEN_SECONDS else "larger than 2^32 seconds"
            text = f"Invalid value: {seconds}: may not specify a duration {limit}"
            cause = Cause("FieldValueInvalid", text, "spec.expirationSeconds")
            raise invalid("TokenRequest", "authentication.k8s.io", "", [cause])
        metadata = account["metadata"]
        self._check_bound(metadata, spec.get("boundObjectRef"))
        name = f"{ACCOUNT_PREFIX}{metadata['namespace']}:{metadata['name']}"
        identity = self._store.new_uid()
        user = User(name, account_groups(name), metadata["uid"], ((CREDENTIAL, (f"JTI={identity}",)),))
        token = f"embedded.{identity}"
        expires = self._store.clock.wall() + seconds
        if not options.dry_run:
            self._tokens.add(token, user, expires)
        made: Object = {
            "kind": "TokenRequest",
            "apiVersion": "authentication.k8s.io/v1",
            "metadata": {
                "name": metadata["name"],
                "namespace": metadata["namespace"],
                "uid": metadata["uid"],
                "creationTimestamp": self._store.now(),
            },
            "spec": {
                "audiences": spec.get("audiences") or [AUDIENCE],
                "expirationSeconds": seconds,
                "boundObjectRef": spec.get("boundObjectRef"),
            },
            "status": {"token": token, "expirationTimestamp": timestamp(expires)},
        }
        entry = managed.Manager(options.manager, "Update", "authentication.k8s.io/v1", "token", self._store.now())
        entry.fields.at("f:spec").at("f:expirationSeconds").member = True
        managed.write(made["metadata"], [entry])
        return made


def asked_by(user: User, resource: Object | None, path: Object | None) -> Attributes:
    """The question of an access review."""
    if path:
        return Attributes(user, path.get("verb", ""), path=path.get("path", ""))
    given = resource or {}
    asked = Attributes(user, given.get("verb", ""), given.get("group", ""), given.get("resource", ""))
    return replace(
        asked,
        subresource=given.get("subresource", ""),
        namespace=given.get("namespace", ""),
        name=given.get("name", ""),
    )


def _user_info(user: User) -> Object:
    info: Object = {"username": user.name}
    if user.uid:
        info["uid"] = user.uid
    info["groups"] = list(user.groups)
    if user.extra:
        info["extra"] = {name: list(values) for name, values in user.extra}
    return info
