"""The parts of the tests' fake Kubernetes API server (see ../kube_api.py, which runs it)."""
