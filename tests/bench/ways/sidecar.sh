#!/bin/sh
# What many people run beside Sentinel: a subscription by the command line client, and kubectl.
# SENTINEL_HOST, SENTINEL_PORT, SENTINEL_CA (unset: no TLS), CLI (valkey-cli or redis-cli), GROUP, NAMESPACE, SELECTOR, KUBECONFIG.
set -eu

sentinel() { exec "$CLI" -h "$SENTINEL_HOST" -p "$SENTINEL_PORT" ${SENTINEL_CA:+--tls --cacert "$SENTINEL_CA"} "$@"; }

move_label() {
  pod=$(kubectl -n "$NAMESPACE" get pods -l "$SELECTOR" -o "jsonpath={.items[?(@.status.podIP==\"$1\")].metadata.name}")
  kubectl -n "$NAMESPACE" label pods -l "$SELECTOR,valkey-master=true" valkey-master- >/dev/null
  kubectl -n "$NAMESPACE" label pod "$pod" valkey-master=true >/dev/null
}

move_label "$(sentinel sentinel get-master-addr-by-name "$GROUP" | head -n 1)"
sentinel subscribe +switch-master | while read -r named _ _ new _; do
  [ "$named" != "$GROUP" ] || move_label "$new"
done
