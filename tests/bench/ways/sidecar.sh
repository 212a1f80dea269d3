#!/bin/sh
# What many people run beside Sentinel: a subscription by the command line client, and kubectl.
# SENTINEL_HOST, SENTINEL_PORT, CLI (valkey-cli or redis-cli), GROUP, NAMESPACE, SELECTOR, KUBECONFIG.
set -eu

move_label() {
  pod=$(kubectl -n "$NAMESPACE" get pods -l "$SELECTOR" -o "jsonpath={.items[?(@.status.podIP==\"$1\")].metadata.name}")
  kubectl -n "$NAMESPACE" label pods -l "$SELECTOR,valkey-master=true" valkey-master- >/dev/null
  kubectl -n "$NAMESPACE" label pod "$pod" valkey-master=true >/dev/null
}

move_label "$("$CLI" -h "$SENTINEL_HOST" -p "$SENTINEL_PORT" sentinel get-master-addr-by-name "$GROUP" | head -n 1)"
"$CLI" -h "$SENTINEL_HOST" -p "$SENTINEL_PORT" subscribe +switch-master | while read -r named _ _ new _; do
  [ "$named" != "$GROUP" ] || move_label "$new"
done
