"""A browser without script, for the tests."""

import re
import warnings

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
