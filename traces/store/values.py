"""An attribute value written as text, and read back."""

from traces.query import Value


def text_of(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def value_of(text: str, kind: str) -> Value:
    """The value `text_of` wrote, by the name of its Python type."""
    match kind:
        case "bool":
            return text == "true"
        case "int":
            return int(text)
        case "float":
            return float(text)
    return text
