"""Replies that owners write: text with `{{ slots.name }}` in it, and no more of Jinja (pure)."""

import re
from collections.abc import Mapping
from typing import Any

_SLOT = re.compile(r"{{\s*slots\.(\w+)\s*}}")
_OTHER = re.compile(r"{[{%]")


def is_reply(text: str) -> bool:
    """Tell whether the text holds nothing that we would have to compute."""
    return _OTHER.search(_SLOT.sub("", text)) is None


def fill(text: str, slots: Mapping[str, Any]) -> str:
    """Return the text with the slots' values in it; an unknown slot leaves nothing."""
    return _SLOT.sub(lambda match: str(slots.get(match[1], "")), text).strip()
