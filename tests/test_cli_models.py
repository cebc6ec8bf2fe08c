"""``vesalius model``, as a person types it."""

import pytest
from click.testing import CliRunner

from vesalius.cli import main
from vesalius.governance import audit
from vesalius.hospital import Hospital


def run(*arguments, home):
    return CliRunner().invoke(main, [*map(str, arguments), "--home", str(home)])


@pytest.fixture
def saved(tmp_path):
    """The hash of the one model that a hospital keeps."""
    hospital = Hospital.open(tmp_path)
    name = hospital.models.save(hospital.usecase("urine").model, "Lotte")
    hospital.close()
    return name


def test_the_models_are_listed_with_who_signed_them(saved, tmp_path):
    lines = run("model", "list", home=tmp_path).output.splitlines()
    assert lines[1].split()[:4] == [saved[:12], "logistic", "472", "128"]
    assert "signed by Lotte on" in lines[1]


def test_a_model_is_shown_as_points(saved, tmp_path):
    shown = run("model", "show", saved[:8], home=tmp_path)
    assert shown.output.startswith(saved)
    assert "before any fact" in shown.output
    assert "\nnitrite\n" in shown.output
    assert "(missing)" in shown.output
    assert run("model", "show", "ffff", home=tmp_path).exit_code == 1


def test_a_changed_signature_is_named_and_fails(saved, tmp_path):
    assert run("model", "verify", home=tmp_path).exit_code == 0
    (tmp_path / "models" / f"{saved}.jws").write_text("nonsense")
    checked = run("model", "verify", saved[:8], home=tmp_path)
    assert (checked.exit_code, checked.output) == (1, f"{saved[:12]}  tampered\n")
    assert "tampered" in run("model", "list", home=tmp_path).output


def test_another_hospitals_model_counts_once_its_key_is_trusted(saved, tmp_path):
    other = tmp_path / "other"
    key = tmp_path / "key.jwk"
    key.write_text(run("model", "key", home=other).output)
    Hospital.open(other).models.save(Hospital.open(tmp_path).usecase("urine").model, "Wim")
    signature = f"models/{saved}.jws"
    (tmp_path / signature).write_bytes((other / signature).read_bytes())
    assert "unknown key" in run("model", "verify", home=tmp_path).output
    assert run("model", "trust", key, "--name", "Ghent", home=tmp_path).exit_code == 0
    assert "signed by Wim" in run("model", "verify", home=tmp_path).output


def test_an_unsigned_model_can_be_vouched_for(saved, tmp_path):
    (tmp_path / "models" / f"{saved}.jws").unlink()
    assert run("model", "verify", home=tmp_path).output == f"{saved[:12]}  unsigned\n"
    assert "signed by Ann" in run("model", "sign", saved[:6], "--by", "Ann", home=tmp_path).output
    assert run("model", "sign", saved, "--by", "Ann", home=tmp_path).exit_code == 1


def note(home):
    hospital = Hospital.open(home)
    audit.record(hospital.engine, "lotte", audit.Action.AUDIT_READ, "audit", {})
    hospital.close()


def test_what_the_old_key_signed_counts_once_it_was_replaced(saved, tmp_path):
    """The steps of docs/governance/keys.md."""
    note(tmp_path)
    assert run("audit", "head", "--out", tmp_path / "old.jws", home=tmp_path).exit_code == 0
    (tmp_path / "old.jwk").write_text(run("model", "key", home=tmp_path).output)
    (tmp_path / "keys" / "hospital.jwk").rename(tmp_path / "kept-elsewhere.jwk")
    assert run("model", "verify", home=tmp_path).exit_code == 1
    assert run("model", "trust", tmp_path / "old.jwk", "--name", "until-2028", home=tmp_path).exit_code == 0
    verified = run("model", "verify", home=tmp_path)
    assert verified.exit_code == 0
    assert "Lotte" in verified.output
    assert run("audit", "verify", "--head", tmp_path / "old.jws", home=tmp_path).exit_code == 0
    note(tmp_path)
    assert run("audit", "head", "--out", tmp_path / "new.jws", home=tmp_path).exit_code == 0
    assert (tmp_path / "keys" / "hospital.jwk").read_text() != (tmp_path / "kept-elsewhere.jwk").read_text()
