"""The tests of the API servers, fake and real; ../test_kube_api.py runs them."""
