"""Words in addresses: read by the account for which they were sealed, and by nobody else."""

from hypothesis import given
from hypothesis import strategies as st

from vesalius.governance.sealing import opened, seal


def test_sealed_words_are_opened_by_their_account_alone(tmp_path):
    sealed = seal(tmp_path, "Dubois 1938", "anna")
    assert "Dubois" not in sealed
    assert opened(tmp_path, sealed, "anna") == "Dubois 1938"
    assert opened(tmp_path, sealed, "boris") == ""
    assert opened(tmp_path / "..", sealed, "anna") == ""
    assert seal(tmp_path, "", "anna") == ""
    assert seal(tmp_path, "Dubois 1938", "anna") != sealed, "the same words are never sealed alike"


def test_what_was_not_sealed_here_is_nothing(tmp_path):
    sealed = seal(tmp_path, "Dubois", "anna")
    for wrong in ("", "x", "a.b.c.d.e", sealed[:-2], sealed + "A" * 3000, sealed.replace(".", "", 1)):
        assert opened(tmp_path, wrong, "anna") == ""


@given(words=st.text(max_size=200), wrong=st.text(max_size=60))
def test_any_words_come_back_and_no_others_open(tmp_path_factory, words, wrong):
    home = tmp_path_factory.getbasetemp() / "sealing"
    home.mkdir(exist_ok=True)
    assert opened(home, seal(home, words, "anna"), "anna") == words.encode("utf-8", "replace").decode()
    assert opened(home, wrong, "anna") == ""
