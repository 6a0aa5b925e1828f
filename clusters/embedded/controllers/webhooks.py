"""The webhooks of KServe and Knative, called in process: they default and refuse what comes in over the API."""

from __future__ import annotations

from typing import Final

from clusters.embedded.api.admission_chain import Hooks, Review
from clusters.embedded.api.api_errors import ApiError, Object
from clusters.embedded.controller_runtime.controller_context import ControllerContext
from clusters.embedded.knative import pod_spec_rules
from clusters.embedded.knative.knative_admission import default_service, validate_service
from clusters.embedded.knative.knative_names import CREATOR, MODIFIER
from clusters.embedded.kserve.defaults import default
from clusters.embedded.kserve.manifest_validation import deployment_mode, validate
from conformance.kube.resources import CONFIG_MAPS, INFERENCE_SERVICES, KNATIVE_SERVICES, POD_AUTOSCALERS, REVISIONS
from conformance.model.admission import validate as check_annotations
from conformance.model.config import AutoscalerConfig

KSERVE_WEBHOOK: Final = "inferenceservice.kserve-webhook-server.validator"
KNATIVE_WEBHOOK: Final = "validation.webhook.serving.knative.dev"
KNATIVE_MUTATOR: Final = "webhook.serving.knative.dev"
CONFIG_WEBHOOK: Final = "config.webhook.serving.knative.dev"
AUTOSCALER_CONFIG: Final = ("knative-serving", "config-autoscaler")


class Webhooks:
    """Mutators and validators for the API server's hooks."""

    def __init__(self, context: ControllerContext) -> None:
        self._context = context

    def install(self, hooks: Hooks) -> None:
        """Register all."""
        hooks.mutators.append(self.mutate)
        hooks.validators.append(self.validate)

    def mutate(self, review: Review) -> Object | None:
        """Default an InferenceService or a Knative Service."""
        if review.object is None or review.subresource:
            return None
        if review.is_of(INFERENCE_SERVICES):
            settings, context = self._context.kserve(), self._context
            mode = deployment_mode(review.object, settings)
            received = context.behaviour.received(review.object, review.old, mode, context.now())
            return default(received, settings)
        if review.is_of(KNATIVE_SERVICES):
            fault = pod_spec_rules.undecodable(review.object)
            if fault is not None:
                text = f"mutation failed: cannot decode incoming new object: {fault}"
                raise refused(text, KNATIVE_MUTATOR)
            if review.old is None:
                for note in (CREATOR, MODIFIER):
                    (review.object["metadata"].get("annotations") or {}).pop(note, None)
            return default_service(review.object, self._context.config("config-defaults"), review.user.name)
        return None

    def validate(self, review: Review) -> None:
        """Refuse what KServe or Knative would. Raises ApiError."""
        if review.object is None or review.subresource:
            return
        if review.is_of(INFERENCE_SERVICES):
            text = validate(review.object, review.old, self._context.kserve())
            if text is not None and self._context.behaviour.refuses(text):
                raise denied(text, KSERVE_WEBHOOK)
        elif review.is_of(KNATIVE_SERVICES):
            config = self._context.autoscaler_config()
            found = validate_service(review.object, config, self._context.config("config-defaults"))
            found = self._context.behaviour.complaints(found)
            found += pod_spec_rules.complaints(review.object, self._context.config("config-features"))
            warning = pod_spec_rules.insecure_defaults(review.object)
            if warning is not None:
                review.warn(warning)
            if found:
                raise refused("validation failed: " + "\n".join(sorted(found)), KNATIVE_WEBHOOK)
        elif review.is_of(POD_AUTOSCALERS):
            notes = review.object["metadata"].get("annotations") or {}
            found = check_annotations(notes, self._context.autoscaler_config(), prefix="metadata.annotations.")
            if found:
                raise refused("validation failed: " + "\n".join(sorted(found)), KNATIVE_WEBHOOK)
        elif review.is_of(REVISIONS) and review.old is not None:
            change = pod_spec_rules.changed_spec(review.old, review.object)
            if change is not None:
                raise refused(f"validation failed: {change}", KNATIVE_WEBHOOK)
        elif review.is_of(CONFIG_MAPS) and (review.namespace, review.name) == AUTOSCALER_CONFIG:
            try:
                AutoscalerConfig.from_data(review.object.get("data") or {})
            except ValueError as error:
                raise refused(f"validation failed: {error}", CONFIG_WEBHOOK) from None


def refused(text: str, webhook: str) -> ApiError:
    """A denial by one of Knative's webhooks: 400."""
    return ApiError("BadRequest", f'admission webhook "{webhook}" denied the request: {text}')


def denied(text: str, webhook: str) -> ApiError:
    """A refusal as a webhook's client gets it: the message stands alone."""
    return ApiError("Forbidden", f'admission webhook "{webhook}" denied the request: {text}')
