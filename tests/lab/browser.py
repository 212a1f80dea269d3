"""A Chromium without a window, driven by its DevTools protocol through a pair of pipes."""

from __future__ import annotations

import base64
import json
import os
import shutil
import threading
import time
from pathlib import Path
from typing import Any

from lab.processes import Process

Message = dict[str, Any]

PATIENCE = 60.0  # on a busy machine a browser needs ten seconds to start


def find_browser() -> str | None:
    """None: see tests/servers.sh --with-chromium."""
    return shutil.which("chromium-headless-shell")


class BrowserError(Exception):
    """What the browser answered with."""


class Browser:
    """Made by a test in its main thread, and closed by it. Nothing of it outlives `folder`."""

    def __init__(self, folder: Path) -> None:
        program = find_browser()
        assert program is not None
        self._folder = folder / "browser"
        self._folder.mkdir()
        for name in ("ask", "answers"):
            os.mkfifo(self._folder / name)
        sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
        self._process = Process(
            "browser",
            ["/bin/sh", "-c", 'exec "$@" 3<ask 4>answers', "sh", program, "--remote-debugging-pipe",
             f"--user-data-dir={self._folder / 'profile'}", *sandbox, *_QUIET],
            environment={"PATH": os.environ["PATH"], "HOME": str(self._folder),
                         "FONTCONFIG_FILE": str(self._write_fonts(program))},
            folder=self._folder,
            log=self._folder / "log",
        )
        self._number = 0
        self._answers: dict[int, Message] = {}
        self._pages: dict[str, Page] = {}
        self._gone = False
        self._news = threading.Condition()

    def _write_fonts(self, program: str) -> Path:
        """The fonts that were unpacked beside it, so that text is as wide on every machine."""
        file = self._folder / "fonts.conf"
        fonts = Path(program).resolve().parent.parent / "usr/share/fonts"
        file.write_text(f"<fontconfig><dir>{fonts}</dir><cachedir>{self._folder}</cachedir>{_ALIASES}</fontconfig>")
        return file

    def __enter__(self) -> Browser:
        self._process.start()
        self._ask = open(self._folder / "ask", "wb")
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self.call("Browser.close")
            self._process.wait(PATIENCE)
        finally:
            self._process.kill()
            self._ask.close()
            self._reader.join(5)

    def open(self, url: str, *, width: int = 1200, height: int = 900, dark: bool = False,
             still: bool = False) -> Page:
        """`dark`, `still`: what the reader prefers: prefers-color-scheme, prefers-reduced-motion."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        page = self._pages[session] = Page(self, session)
        for domain in ("Page", "Runtime", "Log", "Network", "Audits"):
            page.call(f"{domain}.enable")
        page.resize(width, height)
        page.call("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"},
            {"name": "prefers-reduced-motion", "value": "reduce" if still else "no-preference"},
        ])
        page.call("Page.navigate", url=url)
        page.wait_for("location.href !== 'about:blank' && document.readyState === 'complete'")
        return page

    def call(self, method: str, session: str = "", **params: Any) -> Message:
        with self._news:
            self._number += 1
            number = self._number
        message: Message = {"id": number, "method": method, "params": params}
        if session:
            message["sessionId"] = session
        self._ask.write(json.dumps(message).encode() + b"\0")
        self._ask.flush()
        with self._news:
            self._news.wait_for(lambda: number in self._answers or self._gone, PATIENCE)
            answer = self._answers.pop(number, None)
        if answer is None:
            raise BrowserError(f"no answer to {method}:\n{self._process.log_tail()}")
        if "error" in answer:
            raise BrowserError(f"{method}: {answer['error']}")
        return answer["result"]

    def _read(self) -> None:
        with open(self._folder / "answers", "rb") as answers:
            rest = b""
            while chunk := answers.read1():
                *whole, rest = (rest + chunk).split(b"\0")
                for raw in whole:
                    self._take(json.loads(raw))
        with self._news:
            self._gone = True
            self._news.notify_all()

    def _take(self, message: Message) -> None:
        with self._news:
            if "id" in message:
                self._answers[message["id"]] = message
            elif (page := self._pages.get(message.get("sessionId", ""))) is not None:
                page.events.append(message)
            self._news.notify_all()


class Page:
    """One tab."""

    def __init__(self, browser: Browser, session: str) -> None:
        self._browser = browser
        self._session = session
        self.events: list[Message] = []

    def call(self, method: str, **params: Any) -> Message:
        return self._browser.call(method, self._session, **params)

    def evaluate(self, expression: str) -> Any:
        """The value of an expression of JavaScript; of a promise, what it holds."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True,
                           awaitPromise=True)
        if "exceptionDetails" in answer:
            raise BrowserError(f"{expression}: {json.dumps(answer['exceptionDetails'])}")
        return answer["result"].get("value")

    def text(self, selector: str) -> str:
        """As a reader sees it; empty where there is nothing of the kind to be seen."""
        return next(iter(self.texts(selector)), "")

    def texts(self, selector: str) -> list[str]:
        return self.evaluate(f"[...document.querySelectorAll({json.dumps(selector)})]"
                             ".filter((found) => found.checkVisibility()).map((found) => found.innerText)")

    def wait_for(self, condition: str, timeout: float = PATIENCE) -> None:
        """Until an expression of JavaScript is true."""
        end = time.monotonic() + timeout
        while not self.evaluate(f"Boolean({condition})"):
            if time.monotonic() > end:
                raise TimeoutError(f"not within {timeout:g} s: {condition}\n{self.text('body')[:3000]}")
            time.sleep(0.05)

    def wait_for_text(self, selector: str, text: str, timeout: float = PATIENCE) -> None:
        """Until it is to be seen in the first of these elements."""
        self.wait_for(f"[document.querySelector({json.dumps(selector)})].some((found) => "
                      f"found?.checkVisibility() && found.innerText.includes({json.dumps(text)}))", timeout)

    def click(self, selector: str) -> None:
        self.evaluate(f"document.querySelector({json.dumps(selector)}).click()")

    def type(self, selector: str, text: str) -> None:
        self.evaluate(f"document.querySelector({json.dumps(selector)}).focus()")
        self.call("Input.insertText", text=text)

    def resize(self, width: int, height: int) -> None:
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height,
                  deviceScaleFactor=1, mobile=False)

    def screenshot(self, file: Path) -> None:
        """The whole page, also what is below the window's edge."""
        shot = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True)
        file.write_bytes(base64.b64decode(shot["data"]))

    def complaints(self) -> list[str]:
        """Console messages of warnings and errors, uncaught exceptions, and issues such as a violated
        content security policy."""
        return [said for event in list(self.events) if (said := _complaint(event))]

    def asked(self) -> set[str]:
        """Every address that the page asked anything of."""
        return {event["params"]["request"]["url"] for event in list(self.events)
                if event["method"] == "Network.requestWillBeSent"}


def _complaint(event: Message) -> str:
    params = event["params"]
    match event["method"]:
        case "Runtime.exceptionThrown":
            return json.dumps(params["exceptionDetails"])
        case "Runtime.consoleAPICalled" if params["type"] in ("error", "warning", "assert"):
            return json.dumps(params["args"])
        case "Log.entryAdded" if params["entry"]["level"] in ("error", "warning"):
            return f"{params['entry']['text']} {params['entry'].get('url', '')}"
        case "Audits.issueAdded":
            return json.dumps(params["issue"])
    return ""


_QUIET = ["--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-dev-shm-usage",
          "--disable-component-update", "--disable-sync", "--no-proxy-server", "--hide-scrollbars", "about:blank"]
_ALIASES = "".join(
    f"<alias><family>{family}</family><prefer><family>{font}</family></prefer></alias>"
    for family, font in (("sans", "Liberation Sans"), ("sans-serif", "Liberation Sans"),
                         ("system-ui", "Liberation Sans"), ("monospace", "Liberation Mono"), ("ui-monospace", "Liberation Mono"))
)
