"""Machines: their tokens, their rights, their end."""

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from vesalius.cli import main
from vesalius.errors import Conflict, InvalidSetting, NotAllowed, NotFound
from vesalius.governance import audit, clients
from vesalius.store import reading


def test_a_token_opens_and_is_nowhere_kept(engine):
    token = clients.add(engine, "lab", source="laboratory", may=("write",))
    client = clients.sign_in(engine, token, "10.0.0.1")
    assert (client.id, client.source, client.may, client.actor) == (
        "lab",
        "laboratory",
        ("write",),
        "client:lab",
    )
    secret = token.rpartition("_")[2]
    with reading(engine) as connection:
        rows = connection.execute(sa.text("SELECT * FROM client")).all()
    assert secret not in str(rows)
    assert secret not in str(audit.events(engine))


@pytest.mark.parametrize(
    "change",
    [
        lambda t: t[:-1],
        lambda t: t + "x",
        lambda t: t.swapcase(),
        lambda t: "",
        lambda t: "é" + t,
        lambda t: t.rpartition("_")[0],
    ],
)
def test_anything_but_the_token_is_refused_in_the_same_words(engine, change):
    token = clients.add(engine, "lab", source="laboratory", may=("write",))
    with pytest.raises(NotAllowed) as refused:
        clients.sign_in(engine, change(token), "10.0.0.1")
    assert str(refused.value) == "the token is unknown, wrong or revoked"


def test_a_revoked_client_is_out_and_its_name_stays_taken(engine):
    token = clients.add(engine, "lab", source="laboratory", may=("write",))
    clients.revoke(engine, "lab", by="ann")
    with pytest.raises(NotAllowed):
        clients.sign_in(engine, token, "10.0.0.1")
    with pytest.raises(NotFound):
        clients.revoke(engine, "lab")
    with pytest.raises(Conflict):
        clients.add(engine, "lab", source="laboratory", may=("write",))
    assert [each.action for each in audit.events(engine)][::-1] == [
        "client.added", "client.revoked", "client.refused",
    ]  # fmt: skip
    (client,) = clients.everyone(engine)
    assert client.revoked_at is not None


@pytest.mark.parametrize(
    ("name", "source", "may"),
    [
        ("", "lab", ("read",)), ("Lab", "lab", ("read",)), ("a b", "lab", ("read",)), ("x" * 49, "lab", ("read",)),
        ("-x", "lab", ("read",)), ("lab", "", ("read",)), ("lab", " lab", ("read",)), ("lab", "x" * 256, ("read",)),
        ("lab", "a\nb", ("read",)), ("lab", "lab", ()), ("lab", "lab", ("everything",)),
    ],
)  # fmt: skip
def test_a_client_that_cannot_be_is_refused(engine, name, source, may):
    with pytest.raises(InvalidSetting):
        clients.add(engine, name, source=source, may=may)
    assert clients.everyone(engine) == []


def test_the_command_line_adds_lists_and_revokes(tmp_path):
    def run(*words):
        return CliRunner().invoke(main, ["client", *words, "--home", str(tmp_path / "home")])

    added = run("add", "lab", "--source", "laboratory", "--may", "read", "--may", "write")
    assert added.exit_code == 0
    assert added.stdout.startswith("vesalius_")
    assert len(added.stdout.splitlines()) == 1  # the token alone, for scripts
    assert "read+write" in run("list").stdout
    assert run("revoke", "lab").exit_code == 0
    assert "revoked" in run("list").stdout
    assert run("revoke", "nobody").exit_code == 1
    assert added.stdout.strip() not in run("list").stdout
