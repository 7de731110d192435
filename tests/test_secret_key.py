"""The signing key of an installation."""

from tracing_ui.secret_key import load_or_create_secret_key


def test_the_key_is_made_once_and_its_owner_alone_reads_it(tmp_path):
    path = tmp_path / "new" / "secret_key"
    key = load_or_create_secret_key(path)
    assert len(key) >= 50
    assert load_or_create_secret_key(path) == key
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(path.parent.iterdir()) == [path]


def test_two_installations_have_different_keys(tmp_path):
    keys = {load_or_create_secret_key(tmp_path / name) for name in ("a", "b")}
    assert len(keys) == 2
