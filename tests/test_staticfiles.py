"""Static files: found, hashed, and cached for ever only under a hashed name."""

import pytest
from django.core.management import call_command
from django.templatetags.static import static
from django.test import Client, override_settings

from tracing_ui.staticfiles import HashedModuleStorage


@pytest.fixture
def collected(tmp_path):
    source, root = tmp_path / "source", tmp_path / "root"
    (source / "js").mkdir(parents=True)
    (source / "js" / "a.js").write_text('import { b } from "./b.js";\nb();\n')
    (source / "js" / "b.js").write_text("export const b = () => 1;\n")
    with override_settings(
        STATIC_ROOT=root, STATICFILES_DIRS=[source], WHITENOISE_USE_FINDERS=False
    ):
        call_command("collectstatic", interactive=False, verbosity=0)
        yield root


def test_names_stay_plain_before_anything_is_collected():
    assert static("css/plotly.css") == "/static/css/plotly.css"


def test_imports_between_modules_are_rewritten_to_hashed_names(collected):
    storage = HashedModuleStorage()
    text = (collected / storage.stored_name("js/a.js")).read_text()
    assert f'"./{storage.stored_name("js/b.js").removeprefix("js/")}"' in text
    assert '"./b.js"' not in text


def test_a_hashed_file_may_be_kept_for_ever(collected):
    response = Client().get(f"/static/{HashedModuleStorage().stored_name('js/b.js')}")
    assert response.status_code == 200
    assert "immutable" in response.headers["Cache-Control"]


def test_a_known_file_is_not_sent_again(client):
    url = "/static/vendor/plotly/plotly.min.js"
    etag = client.get(url).headers["ETag"]
    response = client.get(url, headers={"if-none-match": etag})
    assert response.status_code == 304
    assert response.content == b""
