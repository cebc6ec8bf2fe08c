"""A browser without script, for the tests."""

import re
import socket
import threading
import time
import warnings
from contextlib import contextmanager

import uvicorn

with warnings.catch_warnings():
    # Starlette would rather have httpx2; httpx does the same here.
    warnings.simplefilter("ignore")
    from starlette.testclient import TestClient

TOKEN = re.compile(r'name="token" value="([^"]+)"')


class Reader(TestClient):
    """A browser without script: follows links, sends forms with the token of the last page."""

    def token(self, path: str = "/about") -> str:
        found = TOKEN.search(self.get(path).text)
        assert found
        return found.group(1)

    def submit(self, path: str, follow: bool = True, **fields: str):
        return self.post(path, data={"token": self.token(), **fields}, follow_redirects=follow)

    def sign_in(self, login: str, language: str = "en") -> "Reader":
        assert self.submit("/sign-in", login=login).status_code == 200
        self.submit("/preferences", language=language)
        return self


@contextmanager
def serving(app):
    """The address of an application that a real server serves as long as the block lasts."""
    listening = socket.create_server(("127.0.0.1", 0))
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    server.should_exit = True
    thread.join(10)
    listening.close()
