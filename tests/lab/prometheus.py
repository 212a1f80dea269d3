"""A real Prometheus that scrapes one program each second, with the project's alert rules on a clock that runs faster."""

from __future__ import annotations

import json
import re
import shutil
import time
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

from lab.addresses import free_port
from lab.processes import Process, wait_until

PROJECT = Path(__file__).resolve().parents[2]
RULES = PROJECT / "packaging/prometheus/valkey-reconciler.rules.yaml"
DASHBOARD = PROJECT / "packaging/grafana/valkey-reconciler.json"
_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def find_prometheus() -> bool:
    """tests/servers.sh --with-prometheus puts both on PATH."""
    return shutil.which("prometheus") is not None and shutil.which("promtool") is not None


def dashboard_expressions() -> list[str]:
    """Of each panel and variable, as Grafana would ask them where all is chosen."""

    def found(part: Any) -> list[str]:
        if isinstance(part, list):
            return [text for inner in part for text in found(inner)]
        if not isinstance(part, dict):
            return []
        own = [part["expr"]] if "expr" in part else []
        return own + [text for inner in part.values() for text in found(inner)]

    return [text.replace("$__rate_interval", "1m").replace("$__range", "1h").replace("$job", ".*")
            .replace("$namespace", ".*").replace("$group", ".*")
            for text in found(json.loads(DASHBOARD.read_text()))]


def faster_rules() -> str:
    """A minute is a second in them."""
    text = RULES.read_text()
    return re.sub(r"(?<=for: )(\d+)m$|(?<=\[)(\d+)m(?=\])", lambda m: f"{m[1] or m[2]}s", text, flags=re.M)


class Prometheus:
    """Owned by a test, in its main thread; its data are in `folder`."""

    def __init__(self, folder: Path, scraped_port: int, path: str = "/metrics") -> None:
        self.port = free_port()
        rules, file = folder / "rules.yaml", folder / "prometheus.yaml"
        rules.write_text(faster_rules())
        file.write_text(json.dumps({
            "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
            "rule_files": [str(rules)],
            "scrape_configs": [{"job_name": "valkey-reconciler", "metrics_path": path,
                                "static_configs": [{"targets": [f"127.0.0.1:{scraped_port}"]}]}]}))
        self.process = Process("prometheus", [
            shutil.which("prometheus") or "prometheus", f"--config.file={file}", f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{self.port}", "--log.level=warn"],
            folder=folder, log=folder / "prometheus.log")

    def __enter__(self) -> Prometheus:
        self.process.start()
        try:
            wait_until(self._is_ready, 60, "Prometheus is ready", interval=0.1)
        except BaseException:
            self.process.kill()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()

    def firing(self, name: str) -> list[dict[str, Any]]:
        """Each with its labels and annotations."""
        return [alert for alert in self._ask("alerts")["alerts"]
                if alert["labels"]["alertname"] == name and alert["state"] == "firing"]

    def all_firing(self) -> list[str]:
        return [alert["labels"]["alertname"] for alert in self._ask("alerts")["alerts"] if alert["state"] == "firing"]

    def has_data(self, expression: str) -> bool:
        return bool(self._ask("query", query=expression, time=time.time())["result"])

    def _is_ready(self) -> bool:
        assert self.process.is_alive(), self.process.log_tail()
        try:
            with _direct.open(f"http://127.0.0.1:{self.port}/-/ready", timeout=5) as answer:
                return answer.status == 200
        except OSError:
            return False

    def _ask(self, what: str, **parameters: object) -> dict[str, Any]:
        url = f"http://127.0.0.1:{self.port}/api/v1/{what}?{urllib.parse.urlencode(parameters)}"
        with _direct.open(url, timeout=30) as answer:
            data: dict[str, Any] = json.loads(answer.read())["data"]
            return data
