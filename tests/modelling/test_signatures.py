"""Who vouches for a model file: signed, unsigned, by an unknown key, or tampered with."""

import logging
import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jws
from joserfc.jwk import OKPKey

from vesalius.errors import Conflict, InvalidModel, InvalidSetting, NotAllowed, NotFound
from vesalius.modelling import Keys, ModelStore, shipped

DIGEST = "ab" * 32


@pytest.fixture
def store(tmp_path):
    return ModelStore(tmp_path / "models", Keys(tmp_path / "keys"))


@pytest.fixture
def saved(store, model):
    return store.save(model, "Dr Peeters")


def other(tmp_path, name="elsewhere"):
    return Keys(tmp_path / name)


def test_a_saved_model_is_signed_with_who_and_when(store, saved):
    found = store.verify(saved)
    assert (found.state, found.key, found.by) == ("signed", "this hospital", "Dr Peeters")
    assert found.at.endswith("+00:00")
    assert str(found).startswith("signed by Dr Peeters on 2")
    assert store.load(saved, signed=True).hash == saved


def test_the_key_and_its_folder_are_for_their_owner_alone(store, saved):
    key = store.keys.folder / "hospital.jwk"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert stat.S_IMODE(key.parent.stat().st_mode) == 0o700


def test_a_key_that_others_can_read_is_refused(store, saved):
    (store.keys.folder / "hospital.jwk").chmod(0o640)
    with pytest.raises(InvalidSetting, match="chmod 600"):
        Keys(store.keys.folder).sign(DIGEST)


def test_the_same_key_signs_again_after_a_restart(store, saved, tmp_path):
    again = ModelStore(tmp_path / "models", Keys(tmp_path / "keys"))
    assert again.verify(saved).state == "signed"
    assert again.keys.public() == store.keys.public()
    assert '"d"' not in again.keys.public()


def test_a_model_without_a_signature_is_loaded_with_a_warning_and_not_adopted(store, saved, caplog):
    (store.folder / f"{saved}.jws").unlink()
    with caplog.at_level(logging.WARNING):
        store.load(saved)
    assert "unsigned" in caplog.text
    with pytest.raises(NotAllowed, match="unsigned"):
        store.load(saved, signed=True)


def test_saving_again_does_not_sign_what_lay_there_unsigned(store, saved, model):
    (store.folder / f"{saved}.jws").unlink()
    store.save(model)
    assert store.verify(saved).state == "unsigned"
    store.sign(saved[:10], "Dr Maes")
    assert store.verify(saved).by == "Dr Maes"
    with pytest.raises(Conflict, match="Dr Maes"):
        store.sign(saved)


def test_the_signature_of_another_hospital_counts_once_its_key_is_trusted(store, saved, tmp_path):
    theirs = other(tmp_path)
    (store.folder / f"{saved}.jws").write_text(theirs.sign(saved, "Dr Janssens"))
    found = store.verify(saved)
    assert (found.state, found.key) == ("unknown key", theirs.own.thumbprint())
    assert store.load(saved).hash == saved
    thumbprint = store.keys.trust("Ghent", theirs.public().encode())
    assert thumbprint == theirs.own.thumbprint()
    found = store.verify(saved)
    assert (found.state, found.key, found.by) == ("signed", "Ghent", "Dr Janssens")


def test_a_name_is_not_given_to_a_second_key(store, tmp_path):
    store.keys.trust("Ghent", other(tmp_path).public().encode())
    store.keys.trust("Ghent", other(tmp_path).public().encode())
    with pytest.raises(InvalidSetting, match="another key"):
        store.keys.trust("Ghent", other(tmp_path, "third").public().encode())


@pytest.mark.parametrize("name", ["", "../hospital", "a/b", ".hidden", "x" * 65, "this hospital"])
def test_a_name_that_could_be_a_path_is_refused(store, tmp_path, name):
    with pytest.raises(InvalidSetting, match="name"):
        store.keys.trust(name, other(tmp_path).public().encode())


@pytest.mark.parametrize(
    "text", [b"", b"{}", b"[]", b"\xff", b'{"kty":"oct","k":"AAAA"}', b'{"kty":"OKP","crv":"Ed25519"}']
)
def test_what_is_no_key_is_not_trusted(store, text):
    with pytest.raises(InvalidSetting):
        store.keys.trust("Ghent", text)


def test_a_key_of_another_kind_is_not_trusted(store):
    import msgspec

    text = msgspec.json.encode(OKPKey.generate_key("X25519").as_dict(private=False))
    with pytest.raises(InvalidSetting, match="Ed25519"):
        store.keys.trust("Ghent", text)


def test_of_a_private_key_only_the_public_part_is_kept(store, tmp_path):
    theirs = other(tmp_path)
    theirs.sign(DIGEST)
    store.keys.trust("Ghent", (tmp_path / "elsewhere" / "hospital.jwk").read_bytes())
    assert '"d"' not in (store.keys.folder / "trusted" / "Ghent.jwk").read_text()


def changed(text):
    head, _, tail = text.split(".")
    last = "A" if tail[10] != "A" else "B"
    return f"{head}..{tail[:10]}{last}{tail[11:]}"


@pytest.mark.parametrize(
    "forge",
    [
        changed,
        lambda text: text.replace("..", ".e30."),
        lambda text: text[:20],
        lambda _: "",
        lambda _: "x" * 10_000,
        lambda text: "." + text.split(".", 1)[1],
    ],
)
def test_a_changed_signature_is_tampering(store, saved, forge):
    path = store.folder / f"{saved}.jws"
    path.write_text(forge(path.read_text()))
    assert store.verify(saved).state == "tampered"
    with pytest.raises(InvalidModel, match="signature"):
        store.load(saved)


def test_the_signature_of_one_model_is_none_of_another(store, saved):
    path = store.folder / f"{saved}.jws"
    path.write_text(store.keys.sign(DIGEST))
    assert store.verify(saved).state == "tampered"


def test_a_changed_file_is_tampering(store, saved):
    path = store.folder / f"{saved}.json"
    path.write_bytes(path.read_bytes().replace(b"logistic", b"logistig"))
    assert store.verify(saved).state == "tampered"
    with pytest.raises(InvalidModel, match="damaged"):
        store.load(saved)


def test_a_signature_made_for_something_else_is_none_of_a_model(store, saved):
    key = store.keys.own
    head = {"alg": "Ed25519", "kid": key.thumbprint(), "typ": "letter", "by": "a", "at": "b"}
    registry = jws.JWSRegistry(algorithms=["Ed25519"], strict_check_header=False)
    text = jws.detach_content(jws.serialize_compact(head, saved, key, registry=registry))
    assert store.keys.verify(saved, text.encode()).state == "tampered"


def test_no_algorithm_but_ours_is_believed(store, saved):
    from joserfc.jwk import OctKey

    own = store.keys.own
    head = {"alg": "HS256", "kid": own.thumbprint(), "typ": "vesalius-model", "by": "a", "at": "b"}
    secret = OctKey.import_key(own.as_dict(private=False)["x"])
    registry = jws.JWSRegistry(algorithms=["HS256"], strict_check_header=False)
    text = jws.detach_content(jws.serialize_compact(head, saved, secret, registry=registry))
    assert store.keys.verify(saved, text.encode()).state == "tampered"


@given(st.binary(max_size=200))
def test_no_bytes_are_a_signature(tmp_path_factory, raw):
    keys = Keys(tmp_path_factory.getbasetemp() / "bytes")
    assert keys.verify(DIGEST, raw).state in ("tampered", "unknown key")


def test_a_model_is_found_by_the_first_digits_of_its_hash(store, saved):
    assert store.find(saved[:6]) == saved
    for start in ("zz", ""):
        if start or len(store.names()) != 1:
            with pytest.raises(NotFound):
                store.find(start)


def test_a_shipped_model_is_the_one_that_its_package_names(model, tmp_path):
    path = tmp_path / "model.json"
    path.write_bytes(model.to_bytes())
    assert shipped(path, model.hash) == model
    with pytest.raises(InvalidModel, match="names"):
        shipped(path, "0" * 64)
