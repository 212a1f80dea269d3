"""The same by redis-py and the official Kubernetes client, as a short script would: subscribe, list, patch, patch.
SENTINEL_HOST, SENTINEL_PORT, SENTINEL_CA (unset: no TLS), GROUP, NAMESPACE, SELECTOR, KUBECONFIG."""

import os

import redis
from kubernetes import client, config

NAMESPACE, GROUP = os.environ["NAMESPACE"], os.environ["GROUP"]
LABEL = "valkey-master"


def label(pod, value):
    api.patch_namespaced_pod(pod.metadata.name, NAMESPACE, {"metadata": {"labels": {LABEL: value}}})


def move_label(address):
    pods = api.list_namespaced_pod(NAMESPACE, label_selector=os.environ["SELECTOR"]).items
    for pod in pods:
        if pod.status.pod_ip != address and LABEL in pod.metadata.labels:
            label(pod, None)
    for pod in pods:
        if pod.status.pod_ip == address and LABEL not in pod.metadata.labels:
            label(pod, "true")


config.load_kube_config()
api = client.CoreV1Api()
ca = os.environ.get("SENTINEL_CA")
tls = {"ssl": True, "ssl_ca_certs": ca} if ca else {}
sentinel = redis.Redis(os.environ["SENTINEL_HOST"], int(os.environ["SENTINEL_PORT"]), decode_responses=True, **tls)
subscription = sentinel.pubsub(ignore_subscribe_messages=True)
subscription.subscribe("+switch-master")
move_label(sentinel.sentinel_get_master_addr_by_name(GROUP)[0])
for message in subscription.listen():
    group, _, _, new, _ = message["data"].split(" ")
    if group == GROUP:
        move_label(new)
