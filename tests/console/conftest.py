"""A small hospital, its console, and people who have signed in."""

import re
from collections.abc import Callable, Iterator

import pytest
import synthetic
from browsing import Reader

from vesalius.console import app
from vesalius.hospital import Hospital


@pytest.fixture(scope="module")
def hospital(tmp_path_factory) -> Iterator[Hospital]:
    made = synthetic.make(tmp_path_factory.mktemp("hospital"))
    yield made
    made.close()


@pytest.fixture
def reader(hospital) -> Callable[..., Reader]:
    """Makes a browser, signed in as ``login`` where one is given."""
    console = app(hospital)

    def make(login: str = "", language: str = "en") -> Reader:
        browser = Reader(console, raise_server_exceptions=True)
        return browser.sign_in(login, language) if login else browser

    return make


@pytest.fixture
def open_id(reader) -> Callable[[], str]:
    """The id of a suggestion that is still open."""

    def find() -> str:
        found = re.findall(r'/suggestions/(\w+)"', reader("delforge").get("/").text)
        return found[-1]

    return find
