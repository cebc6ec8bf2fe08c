"""The settings of a hospital: from the file, from the environment, and what is refused."""

import stat

import pytest

from vesalius.errors import InvalidSetting
from vesalius.hospital import Hospital
from vesalius.settings import Settings


def test_without_a_file_every_setting_has_its_default(tmp_path):
    assert Settings.load(tmp_path, {}) == Settings()


def test_what_is_saved_is_what_is_loaded(tmp_path):
    settings = Settings(hospital="Clinique de l'Aubépine", language="nl", port=9000, synthetic=True)
    settings.save(tmp_path / "home")
    assert Settings.load(tmp_path / "home", {}) == settings
    assert [path.name for path in (tmp_path / "home").iterdir()] == ["vesalius.toml"]


def test_the_environment_wins_over_the_file(tmp_path):
    Settings(port=9000, undo_minutes=5).save(tmp_path)
    loaded = Settings.load(tmp_path, {"VESALIUS_PORT": "9001", "VESALIUS_SYNTHETIC": "true", "OTHER": "x"})
    assert (loaded.port, loaded.undo_minutes, loaded.synthetic) == (9001, 5, True)


@pytest.mark.parametrize(
    "text",
    [
        "prot = 9000",
        "port = 99999",
        'language = "es"',
        "undo_minutes = -1",
        "session_hours = 0",
        'port = "many"',
        "port = ",
        "\xff",
    ],
)
def test_a_wrong_setting_is_refused_and_named(tmp_path, text):
    (tmp_path / "vesalius.toml").write_bytes(text.encode("latin-1"))
    with pytest.raises(InvalidSetting, match=r"vesalius\.toml"):
        Settings.load(tmp_path, {})


def test_a_wrong_variable_of_the_environment_is_refused(tmp_path):
    with pytest.raises(InvalidSetting, match="port"):
        Settings.load(tmp_path, {"VESALIUS_PORT": "many"})


def test_the_file_of_settings_and_the_folders_of_a_new_home_are_their_owners_alone(tmp_path):
    home = tmp_path / "home"
    Settings(database="").save(home)
    Hospital.open(home).close()
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in [home, *home.iterdir()]}
    assert modes["home"] == modes["columns"] == 0o700
    assert modes["vesalius.toml"] == modes["vesalius.sqlite"] == 0o600
