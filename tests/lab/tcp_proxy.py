"""A TCP proxy whose connections can be made to die in silence, as those of a machine that lost its power."""

from __future__ import annotations

import selectors
import socket
import threading


class TcpProxy:
    """To 127.0.0.1:`port`. Owned by a test; `with TcpProxy(port) as proxy:`."""

    def __init__(self, port: int, at: tuple[str, int] = ("127.0.0.1", 0)) -> None:
        self._target = ("127.0.0.1", port)
        self._listener = socket.create_server(at)
        self._frozen = False
        self.port: int = self._listener.getsockname()[1]
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._peers: dict[socket.socket, socket.socket] = {}
        self._silent: list[socket.socket] = []
        self._servers: set[socket.socket] = set()  # the ends at the server
        self._held: dict[socket.socket, bytes] = {}  # what is kept from the clients' ends
        self._holds_all = False
        self._awaited: tuple[bytes, bool, threading.Event] | None = None
        self._held_back: tuple[socket.socket, bytes] | None = None
        self._muted: set[socket.socket] = set()  # ends of clients that hear nothing
        self._lock = threading.Lock()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def __enter__(self) -> TcpProxy:
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping = True
        self._thread.join(5)
        for end in [*self._peers, *self._silent, self._listener]:
            end.close()
        self._selector.close()

    def silence(self) -> int:
        """The connections that are open now: nothing passes any more, and nobody is told. How many."""
        with self._lock:
            ends = list(self._peers)
            for end in ends:
                self._selector.unregister(end)
            self._silent += ends
            self._peers.clear()
        return len(ends) // 2

    def freeze(self) -> None:
        """Whatever is open is silenced, and so is what is opened from now on."""
        self._frozen = True
        self.silence()

    def wake(self) -> None:
        """For connections that are opened from now on."""
        self._frozen = False

    def hold_answers(self) -> None:
        """The server hears all, and nothing of what it says arrives until release_answers()."""
        with self._lock:
            self._holds_all = True

    def release_answers(self) -> None:
        with self._lock:
            held, self._held, self._holds_all = self._held, {}, False
            self._muted.clear()
            for end, data in held.items():
                if end in self._peers:
                    end.sendall(data)

    def hold_back(self, words: bytes) -> threading.Event:
        """The next piece from a client that holds these words stays here until let_go(), or for ever where
        the server closes. The event tells that it came."""
        return self._await(words, True)

    def hold_answers_to(self, words: bytes) -> threading.Event:
        """It passes, and nothing of what is answered to that client from then on does until
        release_answers()."""
        return self._await(words, False)

    def _await(self, words: bytes, is_held_back: bool) -> threading.Event:
        came = threading.Event()
        with self._lock:
            self._awaited = words, is_held_back, came
        return came

    def let_go(self) -> None:
        with self._lock:
            assert self._held_back
            (peer, data), self._held_back = self._held_back, None
            peer.sendall(data)

    def cut(self) -> None:
        """The connections that are open now end, as those of a server that was killed."""
        with self._lock:
            for end in self._peers:
                self._selector.unregister(end)
                end.close()
            self._peers.clear()

    def _run(self) -> None:
        while not self._stopping:
            for key, _ in self._selector.select(0.1):
                with self._lock:
                    self._serve(key.fileobj)

    def _serve(self, end: object) -> None:
        if end is self._listener:
            here, _ = self._listener.accept()
            if self._frozen:
                self._silent.append(here)
                return
            try:
                there = socket.create_connection(self._target)
            except OSError:
                here.close()
                return
            self._peers[here], self._peers[there] = there, here
            self._servers.add(there)
            for each in (here, there):
                self._selector.register(each, selectors.EVENT_READ)
            return
        assert isinstance(end, socket.socket)
        peer = self._peers.get(end)
        if peer is None:
            return
        try:
            data = end.recv(65536)
            if data and end in self._servers and (self._holds_all or peer in self._muted):
                self._held[peer] = self._held.get(peer, b"") + data
                return
            if self._awaited and end not in self._servers and self._awaited[0] in data:
                (_, is_held_back, came), self._awaited = self._awaited, None
                if is_held_back:
                    self._held_back = peer, data
                else:
                    self._muted.add(end)
                    peer.sendall(data)
                came.set()
                return
            if data:
                peer.sendall(data)
                return
        except OSError:
            pass
        for each in (end, peer):
            self._selector.unregister(each)
            self._peers.pop(each)
            if self._held_back and each is self._held_back[0] is not end:
                self._silent.append(each)  # what the client has sent may still arrive
            else:
                each.close()
