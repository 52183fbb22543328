"""SCPI grammar of an oscilloscope: short and long forms, `;` that stays on the branch, queries and arguments."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

SPLIT = re.compile(r';(?=(?:[^"]*"[^"]*")*[^"]*$)')
NODE = re.compile(r"([A-Z]+)([a-z]*)(\d*|<n>)?")


@dataclass(frozen=True)
class Message:
    """One program message unit: full header in upper case, whether it asks, and its arguments."""

    header: str
    query: bool
    arguments: tuple[str, ...]


def units(line: str) -> Iterator[Message]:
    """The units of one line.  Without a leading colon a header continues on the branch of the one before it."""
    branch = ""
    for part in SPLIT.split(line):
        text = part.strip()
        if not text:
            continue
        head, _, rest = text.partition(" ")
        header = head.rstrip("?").upper()
        if header.startswith("*"):
            full = header
        else:
            full = header if header.startswith(":") else f"{branch}:{header}"
            branch = full.rpartition(":")[0]
        arguments = tuple(argument.strip() for argument in rest.split(",")) if rest.strip() else ()
        yield Message(full, head.endswith("?"), arguments)


def spellings(long: str) -> re.Pattern[str]:
    """A pattern for all spellings of a header such as `:ACQuire:SRATe[:ANALog]`, `:CHANnel<n>:SCALe` or `*IDN`."""
    if long.startswith("*"):
        return re.compile(re.escape(long))
    pattern = ""
    for optional, node in re.findall(r"(\[?):([A-Za-z<>]+)\]?", long):
        match = NODE.fullmatch(node)
        assert match is not None, node
        short, rest, number = match[1], match[2], match[3]
        one = f":(?:{short}{rest.upper()}|{short})" + (r"(\d)" if number else "")
        pattern += f"(?:{one})?" if optional else one
    return re.compile(pattern)
