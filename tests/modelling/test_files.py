"""Model files are named by their own hash."""

import pytest

from vesalius.errors import InvalidModel, NotFound
from vesalius.modelling import ModelStore


def test_a_saved_model_is_found_by_its_hash(model, tmp_path):
    store = ModelStore(tmp_path / "models")
    name = store.save(model)
    assert store.save(model) == name == model.hash
    assert store.load(name) == model
    assert store.names() == [name]
    assert [path.name for path in store.folder.iterdir()] == [f"{name}.json"]


def test_a_damaged_file_is_refused(model, tmp_path):
    store = ModelStore(tmp_path)
    name = store.save(model)
    path = tmp_path / f"{name}.json"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(InvalidModel, match="damaged"):
        store.load(name)


@pytest.mark.parametrize("name", ["", "nothing", "../../etc/passwd", "0" * 64, "0" * 63 + "/"])
def test_a_model_that_is_not_there_is_not_found(tmp_path, name):
    with pytest.raises(NotFound):
        ModelStore(tmp_path).load(name)
