"""The code of the guide, for tests that run it."""

import re
from pathlib import Path

GUIDE = Path(__file__).parents[1] / "docs/guide"


def recipe(page, name, changes=()):
    """The code of a page that begins with a comment of this name, made smaller."""
    text = (GUIDE / page).read_text(encoding="utf-8")
    (code,) = re.findall(rf"```python\n# {name}\n(.*?)```", text, re.S)
    for old, new in dict(changes).items():
        assert old in code, old
        code = code.replace(old, new)
    return code
