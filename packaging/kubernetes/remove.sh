#!/usr/bin/env bash
# Removes what the program has left in a namespace after it was deleted itself: its stamps and labels on pods, its
# EndpointSlices, and what it wrote into the selector of Services.
#
#   packaging/kubernetes/remove.sh [kubectl's own arguments, such as -n NAMESPACE or --context CONTEXT]
#
# Nothing leads clients to the primary afterwards, unless something else does. Refused while the program still runs there:
# it would put all of it back. Wants the rights to patch pods and services and to delete endpointslices.
set -euo pipefail

[ "${1:-}" != --help ] || { sed -n '2,/^set/s/^# \{0,1\}//p' "$0"; exit 0; }

domain=valkey-reconciler.io
manager=valkey-reconciler
pod_name='statefulset\.kubernetes\.io/pod-name'
options=("$@")

kubectl() { command kubectl "${options[@]}" "$@"; }

running=$(kubectl get pods -l app.kubernetes.io/name=valkey-reconciler -o name)
if [ -n "$running" ]; then
  echo "remove: the program still runs here; delete it first:" "$running" >&2
  exit 1
fi

# stamped KIND: the names of those that bear an annotation of the program.
stamped() {
  kubectl get "$1" -o "jsonpath={range .items[?(@.metadata.annotations.${domain//./\\.}/stamp)]}{.metadata.name}{'\n'}{end}"
}

# What fieldManager the program has owns none but the labels that it set: whatever they are called.
labels_of() {
  kubectl get pod "$1" --show-managed-fields \
    -o "jsonpath={range .metadata.managedFields[?(@.manager=='$manager')]}{.fieldsV1}{'\n'}{end}" |
    grep -oE '"f:labels":\{("[^"]*":\{\},?)*\}' | grep -oE '"f:[^"]+":\{\}' | sed -E 's/^"f:(.*)":\{\}$/\1/' || true
}

for pod in $(stamped pods); do
  mapfile -t labels < <(labels_of "$pod")
  [ ${#labels[@]} -eq 0 ] || kubectl label pod "$pod" "${labels[@]/%/-}"
  kubectl annotate pod "$pod" "$domain/stamp-" "$domain/paused-"
done

for service in $(stamped services); do
  kubectl patch service "$service" --type=merge -p "$(printf '{"spec":{"selector":{"%s":null}}}' "${pod_name//\\/}")"
  kubectl annotate service "$service" "$domain/stamp-" "$domain/paused-"
done

kubectl delete endpointslices -l "endpointslice.kubernetes.io/managed-by=$domain"
