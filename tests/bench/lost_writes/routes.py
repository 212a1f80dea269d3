"""What is compared: which failovers, who hears of them, by what clients are led, and how these connect."""

from __future__ import annotations

# SENTINEL FAILOVER; the primary is killed: connections to it are refused; it is stopped: it answers nothing.
KINDS = ("planned", "kill", "stop")
CONNECTIONS = ("new", "kept")  # for each write, or as long as it lasts

LISTENER = "one +switch-master"
ACT_ON = ("announcement", "agreement", "promotion")
HEARERS = (LISTENER, *ACT_ON)

# `service` is a Service that selects the label, as most have it: Kubernetes makes its EndpointSlices. `label` is how that
# would be if it took no time.
LABEL_WAYS = ("label", "service")
# HAProxy as it is by default; with `cut_sessions`; and with `retries 0` besides.
HAPROXY_WAYS = ("haproxy", "haproxy-cut", "haproxy-cut-0")
WAYS = (*LABEL_WAYS, "endpointslice", "service-selector", *HAPROXY_WAYS)


def route_name(hearer: str, way: str) -> str:
    return f"{hearer}/{way}"


def stream_name(route: str, connection: str) -> str:
    return f"{route}/{connection}"
