"""What only a fake can do: faults, and orders about history, watches and tokens.

Paths that no API server has, for the administrator's certificate only:
  POST /_fault      add a fault (see faults.py);  GET lists them with their hits;  DELETE clears
  POST /_compact    forget all history: watches from an old version, and pages begun, get 410
  POST /_watches    {"do": "cut" | "end" | "expire" | "silence" | "send" | "bookmark",
                    "match": regular expression for the whole of "/path?query",
                    "seconds": for silence, "line": for send}; answers how many it met
  GET  /_watches    the paths of the open watches
  POST /_token      {"namespace", "serviceAccount", "expirationSeconds"}: a token that ends just
                    when it says, be that soon; a real one lives 10 minutes at least, ends up to
                    a minute later, and is remembered for 10 s more
  POST /_revoke     {"token"}: 401 from now on
  POST /_deletions  {"seconds"}: how long a pod stays between the two steps of its deletion
  GET  /_state      version of the store, and the open watches counted
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from . import status
from .http import Request, Response

if TYPE_CHECKING:
    from .api import Api
    from .watch import Watch


class Control:
    """Owned by the API, which it acts on."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._paths: dict[str, Callable[[str, dict[str, Any]], Any]] = {
            "/_fault": self._fault,
            "/_compact": self._compact,
            "/_watches": self._watches,
            "/_token": self._token,
            "/_revoke": self._revoke,
            "/_deletions": self._deletions,
            "/_state": self._state,
        }

    def has(self, path: str) -> bool:
        return path in self._paths

    def handle(self, request: Request) -> Response:
        try:
            order = json.loads(request.body) if request.body else {}
        except ValueError as error:
            raise status.bad_request(str(error)) from None
        return Response.json(200, self._paths[request.path](request.method, order))

    def _fault(self, method: str, order: dict[str, Any]) -> Any:
        if method == "POST":
            return {"id": self._api.faults.add(order)}
        if method == "DELETE":
            self._api.faults.clear()
        return self._api.faults.describe()

    def _deletions(self, _method: str, order: dict[str, Any]) -> Any:
        self._api.deletion.seconds_between = float(order["seconds"])
        return {}

    def _compact(self, _method: str, _order: dict[str, Any]) -> Any:
        self._api.store.compact()
        return {"version": self._api.store.version}

    def _watches(self, method: str, order: dict[str, Any]) -> Any:
        if method != "POST":
            return sorted(self._api.watches.values())
        pattern = re.compile(order.get("match", ".*"))
        met = [watch for watch, target in self._api.watches.items() if pattern.fullmatch(target)]
        for watch in met:
            self._do(watch, order)
        return {"met": len(met)}

    def _do(self, watch: Watch, order: dict[str, Any]) -> None:
        match order.get("do"):
            case "cut":
                watch.cut()
            case "end":
                watch.end()
            case "expire":
                store = self._api.store
                watch.expire(status.too_old(1, store.version))
            case "silence":
                watch.silence(float(order["seconds"]))
            case "send":
                watch.send(order["line"])
            case "bookmark":
                watch.bookmark()
            case other:
                raise status.bad_request(f"cannot do {other!r}")

    def _token(self, _method: str, order: dict[str, Any]) -> Any:
        token, end = self._api.tokens.mint(order["namespace"], order["serviceAccount"],
                                           order["expirationSeconds"], is_prompt=True)
        return {"token": token, "end": end}

    def _revoke(self, _method: str, order: dict[str, Any]) -> Any:
        self._api.tokens.revoke(order["token"])
        return {}

    def _state(self, _method: str, _order: dict[str, Any]) -> Any:
        return {"version": self._api.store.version, "watches": len(self._api.watches)}
