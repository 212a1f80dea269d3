#!/usr/bin/env bash
# Makes the PrometheusRule of packaging/kubernetes of the rules file, or with --print prints it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

print() {
  cat <<'HEAD'
# Made by packaging/prometheus/prometheus-rule.sh of the rules there.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: valkey-reconciler
  labels: {app.kubernetes.io/component: metrics}
spec:
HEAD
  sed -n '/^groups:/,$ s/^./  &/p; /^$/p' valkey-reconciler.rules.yaml
}

if [ "${1:-}" = --print ]; then
  print
else
  print >../kubernetes/components/prometheus-rule/prometheus-rule.yaml
fi
