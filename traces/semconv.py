"""The attribute keys this project gives a meaning to, written once.

Names follow the OpenTelemetry semantic conventions; a superseded key stands beside
the current one because senders in the field still use it.
"""

from typing import Final

SERVICE_NAME: Final = "service.name"
SERVICE_NAMESPACE: Final = "service.namespace"
SERVICE_VERSION: Final = "service.version"
DEPLOYMENT_ENVIRONMENT_NAME: Final = "deployment.environment.name"
DEPLOYMENT_ENVIRONMENT_OLD: Final = "deployment.environment"
HOST_ID: Final = "host.id"
HOST_IP: Final = "host.ip"
HOST_NAME: Final = "host.name"

EXCEPTION_EVENT: Final = "exception"
EXCEPTION_TYPE: Final = "exception.type"
EXCEPTION_MESSAGE: Final = "exception.message"
EXCEPTION_STACKTRACE: Final = "exception.stacktrace"

NETWORK_LOCAL_ADDRESS: Final = "network.local.address"
NETWORK_LOCAL_PORT: Final = "network.local.port"
NETWORK_PEER_ADDRESS: Final = "network.peer.address"
NETWORK_PEER_PORT: Final = "network.peer.port"
PEER_SERVICE_OLD: Final = "peer.service"
SERVICE_PEER_NAME: Final = "service.peer.name"

UNKNOWN_SERVICE: Final = "unknown_service"
