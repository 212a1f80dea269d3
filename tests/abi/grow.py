"""A later header of the plugin interface, made of today's: each struct has grown at its end.

    python3 grow.py HEADER LATER
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

ADDED = "  uint64_t added_later;\n  void (*called_later)(void);\n"


def grown(header: str) -> str:
    def grow(struct: re.Match[str]) -> str:
        return f"{struct[1]}{ADDED}{struct[2]}"

    text, structs = re.subn(r"(typedef struct \w+ \{\n.*?)(^\} \w+;)", grow, header,
                            flags=re.MULTILINE | re.DOTALL)
    assert structs == 8, structs
    return text


if __name__ == "__main__":
    Path(sys.argv[2]).write_text(grown(Path(sys.argv[1]).read_text()))
