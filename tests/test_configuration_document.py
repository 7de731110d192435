import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def settings_read() -> set[str]:
    text = (ROOT / "tracing_ui" / "settings.py").read_text()
    return set(re.findall(r'\benv_\w+\(\s*"([A-Z_]+)"', text))


def settings_documented() -> set[str]:
    text = (ROOT / "docs" / "configuration.md").read_text()
    return set(re.findall(r"^\| `([A-Z_]+)` \|", text, re.MULTILINE))


def test_every_setting_is_documented_and_every_documented_one_exists():
    assert settings_documented() == settings_read()
