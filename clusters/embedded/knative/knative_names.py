"""Knative's names for things (pkg/apis/serving/register.go, pkg/apis/autoscaling/register.go)."""

from __future__ import annotations

from typing import Final

SERVICE: Final = "serving.knative.dev/service"
SERVICE_UID: Final = "serving.knative.dev/serviceUID"
CONFIGURATION: Final = "serving.knative.dev/configuration"
CONFIGURATION_UID: Final = "serving.knative.dev/configurationUID"
GENERATION: Final = "serving.knative.dev/configurationGeneration"
REVISION: Final = "serving.knative.dev/revision"
REVISION_UID: Final = "serving.knative.dev/revisionUID"
ROUTE: Final = "serving.knative.dev/route"
ROUTES: Final = "serving.knative.dev/routes"
ROUTING_STATE: Final = "serving.knative.dev/routingState"
ROUTING_STATE_MODIFIED: Final = "serving.knative.dev/routingStateModified"
CREATOR: Final = "serving.knative.dev/creator"
MODIFIER: Final = "serving.knative.dev/lastModifier"
VISIBILITY: Final = "networking.knative.dev/visibility"
CLUSTER_LOCAL: Final = "cluster-local"
APP: Final = "app"

AUTOSCALING_PREFIX: Final = "autoscaling.knative.dev/"
CLASS: Final = AUTOSCALING_PREFIX + "class"
METRIC: Final = AUTOSCALING_PREFIX + "metric"

ACTIVE: Final = "active"
RESERVE: Final = "reserve"
PENDING: Final = "pending"
