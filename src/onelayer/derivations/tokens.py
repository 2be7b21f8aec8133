r"""The tokens of LaTeX (signs, macros and groups), made from pylatexenc's nodes; and a cursor."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import takewhile
from typing import Any

from pylatexenc.latexwalker import (
    LatexCharsNode,
    LatexCommentNode,
    LatexEnvironmentNode,
    LatexGroupNode,
    LatexMacroNode,
    LatexWalker,
    LatexWalkerError,
)
from pylatexenc.macrospec import EnvironmentSpec, LatexContextDb, MacroSpec

from onelayer.derivations.terms import Refused

PUNCTUATION = ",.;"
_ARGUMENTS = {"frac": "{{", "hat": "{", "mathrm": "{", "mathsf": "{", "text": "{"}
_GREEK = {"lambda", "eta", "theta"}
_SPACE = {",", ";", ":", " ", "left", "right"}
_CHARACTERS = re.compile(r"[0-9]+|\S")


@dataclass(frozen=True)
class Token:
    """A sign, a macro with its arguments, or a group in braces."""

    kind: str  # "sign", "number", "macro", "group"
    text: str
    at: int
    end: int
    arguments: tuple[tuple[Token, ...], ...] = ()

    def is_(self, *texts: str) -> bool:
        """Return whether it is one of these signs, or macros if they have a backslash."""
        return (f"\\{self.text}" if self.kind == "macro" else self.text) in texts

    @property
    def is_letter(self) -> bool:
        """Whether it is an ASCII letter; others, such as Cyrillic ones, can look just the same."""
        return self.kind == "sign" and self.text.isascii() and self.text.isalpha()

    @property
    def quantity(self) -> str:
        r"""The quantity that it names, such as "y", "\hat{y}" or "\lambda"; "" if none."""
        if self.is_letter:
            return self.text
        inside = [each for argument in self.arguments for each in argument]
        if self.is_("\\hat") and len(inside) == 1 and inside[0].is_letter:
            return rf"\hat{{{self.inner}}}"
        return f"\\{self.text}" if self.kind == "macro" and self.text in _GREEK else ""

    @property
    def inner(self) -> str:
        """What is in its braces."""
        return "".join(token.source for argument in self.arguments for token in argument)

    @property
    def source(self) -> str:
        """Its LaTeX; for a group only the braces."""
        return {"macro": f"\\{self.text}", "group": "{}"}.get(self.kind, self.text)

    @property
    def script(self) -> tuple[Token, ...]:
        """The superscript or subscript that it is if it follows ^ or _."""
        if self.kind == "number" and len(self.text) > 1:
            raise Refused("without braces only the first digit stands there", self.at)
        return self.arguments[0] if self.kind == "group" else (self,)


@lru_cache(256)
def tokens(latex: str) -> tuple[Token, ...]:
    """Return the tokens of a formula; it may have rows and columns only within `aligned`."""
    context = LatexContextDb()
    macros = [MacroSpec(name, arguments) for name, arguments in _ARGUMENTS.items()]
    context.add_context_category(
        "derivations", macros=macros, environments=[EnvironmentSpec("aligned")]
    )
    context.set_unknown_macro_spec(MacroSpec(""))
    walker = LatexWalker(latex, latex_context=context, tolerant_parsing=False)
    try:
        nodes, _, _ = walker.get_latex_nodes()
        blocks = [node for node in nodes if isinstance(node, LatexEnvironmentNode)]
        tokens = tuple(_flat(node for node in nodes if node not in blocks))
    except LatexWalkerError as error:
        offset = getattr(error, "pos", None) or 0
        raise Refused(getattr(error, "msg", str(error)), offset) from error
    if not blocks:
        if rows := [token for token in tokens if token.is_("\\\\", "&")]:
            raise Refused("rows and columns are read only in 'aligned'", rows[0].at)
        return tokens
    block = blocks[0]
    if block.environmentname != "aligned":
        raise Refused(f"cannot read '{block.latex_verbatim()[:20]}'", block.pos)
    beside = [t for t in tokens if t.at < block.pos or not t.is_(*PUNCTUATION)]
    if beside or len(blocks) > 1:
        at = beside[0].at if beside else blocks[1].pos
        raise Refused("expected nothing beside 'aligned'", at)
    return (*_flat(block.nodelist), *tokens)


def _flat(nodes: Iterable[Any]) -> Iterator[Token]:
    """Turn pylatexenc's nodes into tokens: characters one by one, digits together."""
    for node in nodes:
        end = node.pos + node.len
        if isinstance(node, LatexCharsNode):
            for part in _CHARACTERS.finditer(node.chars):
                kind = "number" if part[0].isascii() and part[0].isdecimal() else "sign"
                start = node.pos + part.start()
                yield Token(kind, part[0], start, start + len(part[0]))
        elif isinstance(node, LatexMacroNode):
            given = node.nodeargd.argnlist if node.nodeargd else []
            arguments = tuple(tuple(_argument(argument)) for argument in given)
            yield Token("macro", node.macroname, node.pos, end, arguments)
        elif isinstance(node, LatexGroupNode):
            yield Token("group", "", node.pos, end, (tuple(_flat(node.nodelist)),))
        elif not isinstance(node, LatexCommentNode):
            raise Refused(f"cannot read '{node.latex_verbatim()[:20]}'", node.pos)


def _argument(node: Any) -> Iterator[Token]:
    return _flat(node.nodelist if isinstance(node, LatexGroupNode) else [node])


class Cursor:
    """Walks along tokens, one after the other, skipping those that only set space."""

    def __init__(self, tokens: Sequence[Token], start: int = 0) -> None:
        self.tokens = [t for t in tokens if not (t.kind == "macro" and t.text in _SPACE)]
        self.at = 0
        self.start = tokens[0].at if tokens else start

    def script(self) -> tuple[Token, ...]:
        """Take a superscript or subscript."""
        return self.take().script

    def peek(self, *texts: str, ahead: int = 0) -> Token | None:
        """Return the next token if it is one of these; without any, whatever it is."""
        if self.at + ahead >= len(self.tokens):
            return None
        token = self.tokens[self.at + ahead]
        return token if not texts or token.is_(*texts) else None

    def take(self) -> Token:
        """Return the next token and move past it."""
        token = self.peek()
        if token is None:
            raise Refused("expected more, found the end", self.offset())
        self.at += 1
        return token

    def expect(self, sign: str) -> None:
        """Move past the next token, which must be this sign."""
        if not self.peek(sign):
            raise Refused(f"expected '{sign}'", self.offset())
        self.take()

    def refuse_application(self, name: str) -> None:
        """Refuse parentheses with only names or numbers in them: f(x) looks like a function."""
        if not self.peek("("):
            return
        inside = takewhile(lambda token: not token.is_(")"), self.tokens[self.at + 1 :])
        for part in split([*inside], lambda token: token.is_(",")):
            if not part or not (part[0].quantity or part[0].kind == "number"):
                return
            if not all(token.is_("_", "^") for token in part[1::2]):
                return
        raise Refused(
            rf"{name} looks like a function: write '{name} \cdot …' for a product, or define "
            f"'{name}(…) = …'",
            self.offset(),
        )

    def offset(self) -> int:
        """Return where the next token is, or the last one."""
        if self.at < len(self.tokens):
            return self.tokens[self.at].at
        return self.tokens[-1].at if self.tokens else self.start

    def unknown(self) -> Refused:
        """Return the error of a token that means nothing here."""
        token = self.peek()
        text = "the end" if token is None else token.source
        return Refused(f"cannot read '{text}' here", self.offset())


def split(tokens: Sequence[Token], is_separator: Callable[[Token], bool]) -> list[list[Token]]:
    """Return what stands between the tokens for which `is_separator` is true."""
    parts: list[list[Token]] = [[]]
    for token in tokens:
        if is_separator(token):
            parts.append([])
        else:
            parts[-1].append(token)
    return parts


def differential(tokens: Sequence[Token]) -> str:
    """Return the d with which a derivative begins, "partial" or "d"; "" if it is not one."""
    if tokens and tokens[0].is_("\\partial"):
        return "partial"
    return "d" if tokens and tokens[0].is_("\\mathrm") and tokens[0].inner == "d" else ""
