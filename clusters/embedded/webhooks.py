"""The webhooks of KServe and Knative, called in process: they default and refuse what comes in over the API."""

from __future__ import annotations

from typing import Final

from clusters.embedded.api.hooks import Hooks, Review
from clusters.embedded.api.status import ApiError, Object
from clusters.embedded.controllers.world import World
from clusters.embedded.knative.admission import default_service, validate_service
from clusters.embedded.kserve.defaults import default
from clusters.embedded.kserve.validation import deployment_mode, validate
from conformance.api.resources import INFERENCE_SERVICES, KNATIVE_SERVICES

KSERVE_WEBHOOK: Final = "inferenceservice.kserve-webhook-server.validator"
KNATIVE_WEBHOOK: Final = "validation.webhook.serving.knative.dev"


class Webhooks:
    """Mutators and validators for the API server's hooks."""

    def __init__(self, world: World) -> None:
        self._world = world

    def install(self, hooks: Hooks) -> None:
        """Register all."""
        hooks.mutators.append(self.mutate)
        hooks.validators.append(self.validate)

    def mutate(self, review: Review) -> Object | None:
        """Default an InferenceService or a Knative Service."""
        if review.object is None or review.subresource:
            return None
        if review.resource == INFERENCE_SERVICES:
            settings, world = self._world.kserve(), self._world
            mode = deployment_mode(review.object, settings)
            received = world.behaviour.received(review.object, review.old, mode, world.now())
            return default(received, settings)
        if review.resource == KNATIVE_SERVICES:
            return default_service(review.object, self._world.config("config-defaults"), review.user.name)
        return None

    def validate(self, review: Review) -> None:
        """Refuse what KServe or Knative would. Raises ApiError."""
        if review.object is None or review.subresource:
            return
        if review.resource == INFERENCE_SERVICES:
            text = validate(review.object, review.old, self._world.kserve())
            if text is not None and self._world.behaviour.refuses(text):
                raise denied(text, KSERVE_WEBHOOK)
        elif review.resource == KNATIVE_SERVICES:
            config = self._world.autoscaler_config()
            found = validate_service(review.object, config, self._world.config("config-defaults"))
            found = self._world.behaviour.complaints(found)
            if found:
                text = "validation failed: " + "\n".join(found)
                message = f'admission webhook "{KNATIVE_WEBHOOK}" denied the request: {text}'
                raise ApiError("BadRequest", message)


def denied(text: str, webhook: str) -> ApiError:
    """A refusal as a webhook's client gets it: the message stands alone."""
    return ApiError("Forbidden", f'admission webhook "{webhook}" denied the request: {text}')
