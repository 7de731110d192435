"""From many traces to knowledge: pure functions, spans in, dataclasses out."""
