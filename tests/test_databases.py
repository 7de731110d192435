"""DATABASE_URL: what each form means, and what is refused."""

import pytest

from tracing_ui.databases import database_config
from tracing_ui.env import SettingError


def test_without_a_url_it_is_sqlite_in_the_data_folder(tmp_path):
    config = database_config("", tmp_path)
    assert config["ENGINE"] == "django.db.backends.sqlite3"
    assert config["NAME"] == str(tmp_path / "catalogue.sqlite3")


def test_sqlite_commits_are_on_disk_and_writers_wait_their_turn(tmp_path):
    options = database_config("", tmp_path)["OPTIONS"]
    assert options["transaction_mode"] == "IMMEDIATE"
    assert "journal_mode=WAL" in options["init_command"]
    assert "synchronous=FULL" in options["init_command"]


def test_a_sqlite_url_names_its_file(tmp_path):
    assert database_config("sqlite:////var/x.db", tmp_path)["NAME"] == "/var/x.db"


def test_a_postgres_url_is_taken_apart(tmp_path):
    config = database_config(
        "postgres://u:p%40w@db:5433/spans?sslmode=require", tmp_path
    )
    assert config["ENGINE"] == "django.db.backends.postgresql"
    assert (config["USER"], config["PASSWORD"]) == ("u", "p@w")
    assert (config["HOST"], config["PORT"], config["NAME"]) == ("db", "5433", "spans")
    assert config["OPTIONS"]["sslmode"] == "require"


def test_a_socket_folder_may_be_the_host(tmp_path):
    config = database_config("postgresql://u@%2Frun%2FPg/spans", tmp_path)
    assert config["HOST"] == "/run/Pg"


@pytest.mark.parametrize(
    "url", ["mysql://h/x", "postgres://h", "postgres://u:s3cret@h:port/x", "nonsense"]
)
def test_other_urls_are_refused_without_showing_the_password(url, tmp_path):
    with pytest.raises(SettingError, match="DATABASE_URL") as caught:
        database_config(url, tmp_path)
    assert "s3cret" not in str(caught.value)
