"""A client of the API without sockets, for tests of the console that also look at what machines see."""

import warnings

with warnings.catch_warnings():
    # Starlette would rather have httpx2; httpx does the same here.
    warnings.simplefilter("ignore")
    from starlette.testclient import TestClient


def machine(api, token: str):
    http = TestClient(api, raise_server_exceptions=True)

    def ask(method: str, path: str, body: bytes = b"", kind: str = ""):
        headers = {"Authorization": f"Bearer {token}"} | ({"Content-Type": kind} if kind else {})
        answer = http.request(method, path, content=body, headers=headers)
        return answer.status_code, answer.headers, answer.text

    return ask
