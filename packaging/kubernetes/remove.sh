#!/usr/bin/env bash
# Removes what the program has left in a namespace after it was deleted itself: its labels and stamps on pods, its
# EndpointSlices, and what it wrote into the selector of Services.
#
#   packaging/kubernetes/remove.sh [kubectl's own arguments, such as -n NAMESPACE or --context CONTEXT]
#
# Nothing leads clients to the primary afterwards, unless something else does. Refused while a pod of the program is there:
# it would put all of it back. Wants the rights to patch pods and services and to delete endpointslices.
set -euo pipefail

[ "${1:-}" != --help ] || { sed -n '2,/^set/s/^# \{0,1\}//p' "$0"; exit 0; }

options=("$@")
annotations=(valkey-reconciler.io/stamp valkey-reconciler.io/paused)

kubectl() { command kubectl "${options[@]}" "$@"; }

# By either label: MIGRATING.md keeps the earlier program's manifests.
running=$(kubectl get pods -l app.kubernetes.io/name=valkey-reconciler -o name)
[ -n "$running" ] || running=$(kubectl get pods -l app=valkey-reconciler -o name)
if [ -n "$running" ]; then
  echo "remove: the program still runs here; delete it first:" "$running" >&2
  exit 1
fi

# written KIND: a line for each object that the program has written to: its name, and the fields, as managedFields has them.
written() {
  local fields="{range .metadata.managedFields[?(@.manager=='valkey-reconciler')]}{.fieldsV1}{end}"
  kubectl get "$1" --show-managed-fields -o "jsonpath={range .items[*]}{.metadata.name} $fields{'\n'}{end}" |
    { grep ' {' || true; }
}

# Its labels may be called anything, but those of its own in the fields are those that it set.
labels_in() {
  { grep -oE '"f:labels":\{("[^"]*":\{\},?)*\}' | grep -oE '"f:[^"]+":\{\}' | sed -E 's/^"f:(.*)":\{\}$/\1/'; } <<<"$1" || true
}

pods=$(written pods) services=$(written services)

while read -r pod fields; do
  [ -n "$pod" ] || continue
  mapfile -t labels < <(labels_in "$fields")
  [ ${#labels[@]} -eq 0 ] || kubectl label pod "$pod" "${labels[@]/%/-}"
  kubectl annotate pod "$pod" "${annotations[@]/%/-}"
done <<<"$pods"

while read -r service _; do
  [ -n "$service" ] || continue
  kubectl patch service "$service" --type=merge -p '{"spec":{"selector":{"statefulset.kubernetes.io/pod-name":null}}}'
  kubectl annotate service "$service" "${annotations[@]/%/-}"
done <<<"$services"

kubectl delete endpointslices -l endpointslice.kubernetes.io/managed-by=valkey-reconciler.io
