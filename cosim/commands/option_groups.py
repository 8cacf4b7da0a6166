"""How a command is declared: as a function of groups of options, with the rules of what each one requires.

A group is a frozen dataclass whose fields are options (``Annotated[type, typer.Option(...)]``). What a
command runs is imported by the function that runs it, so that the start of another one doesn't pay for it.
"""

import importlib
import inspect
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import MISSING, dataclass, fields
from types import SimpleNamespace
from typing import Any, Protocol, get_type_hints, runtime_checkable

import typer
from typer.core import TyperCommand

from qlif.model.exceptions import InputError, QlifError, show
from qlif.model.support.files import alone_in

_LARGEST = 2**64
"""Upper limit of every number and seed."""


@dataclass(frozen=True)
class Rule:
    """An option that has an effect under a condition only; given without, it is refused.

    Attributes
    ----------
    option : str
        The field that holds it.
    condition : callable
        Whether it has an effect; it is given every option by its field.
    requires : str
        The condition in words, behind "requires".
    """

    option: str
    condition: Callable[[Any], bool]
    requires: str


@runtime_checkable
class Reporting(Protocol):
    """A group of options that is told when the command ends with an error."""

    def failed(self, command: str, error: QlifError) -> None:
        """Take note of the error, which is raised again."""


CATALOGUES = {
    "presets": ("qlif.model.presets", "PRESETS"),
    "stimuli": ("qlif.model.inputs.stimuli", "STIMULI"),
    "targets": ("qlif.hdl.targets.catalogue", "TARGETS"),
    "boards": ("qlif.hdl.boards.catalogue", "BOARDS"),
    "simulators": ("qlif.cosim.simulator.find", "SIMULATORS"),
    "studies": ("qlif.model.studies.named.catalogue", "STUDIES"),
}
"""Catalogues that a help text may name in braces; they are imported when the help is shown."""


def with_names(text: str) -> str:
    """Return a help text with each ``{catalogue}`` in it replaced by its names."""
    for name, (module, catalogue) in CATALOGUES.items():
        if f"{{{name}}}" in text:
            names = getattr(importlib.import_module(module), catalogue)
            text = text.replace(f"{{{name}}}", ", ".join(names))
    return text


class Command(TyperCommand):
    """A command that passes over nothing it is given, and whose help lists names from the catalogues."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse a command line.

        Raises
        ------
        InputError
            An option has an empty value (a path would be the current directory), or is given twice where only the
            last one would count.
        """
        found, _, order = self.make_parser(ctx).parse_args(args=list(args))
        for parameter in order:
            value, name = found.get(parameter.name), parameter.opts[0]
            if "" in (value if isinstance(value, list) else [value]):
                raise InputError(f"{name} must have a value, not ''")
            once = not (parameter.multiple or getattr(parameter, "count", True) or parameter.is_eager)
            if once and (times := order.count(parameter)) > 1:
                raise InputError(f"{name} must be given once, not {times} times")
        return super().parse_args(ctx, args)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help."""
        for parameter in self.params:
            if text := getattr(parameter, "help", None):
                parameter.help = with_names(text)  # type: ignore[attr-defined]
        super().format_help(ctx, formatter)


def command(*rules: Rule) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Turn a function of option groups into one of single options, as typer takes it."""

    def decorate(function: Callable[..., None]) -> Callable[..., None]:
        groups = {name: kind for name, kind in get_type_hints(function).items() if name != "return"}

        def call(context: typer.Context, **values: Any) -> None:
            given = [name for name in values if _is_given(context, name)]
            spelled = {each.name or "": each.opts for each in context.command.params}
            refuse_unused(rules, given, values, spelled)
            for name, value in values.items():
                for one in value if isinstance(value, list) else [value]:
                    if isinstance(one, int) and abs(one) >= _LARGEST:
                        raise InputError(f"{spelled[name][0]} must be below 2**64, not {show(one)}")
            made = {
                name: kind(**{field.name: values[field.name] for field in fields(kind)})
                for name, kind in groups.items()
            }
            with nullcontext() if values.get("out") is None else alone_in(values["out"]):
                try:
                    function(**made)
                except QlifError as error:
                    for group in made.values():
                        if isinstance(group, Reporting):
                            group.failed(function.__name__, error)
                    raise

        parameters = [
            inspect.Parameter("context", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context)
        ]
        for kind in groups.values():
            parameters += _parameters(kind)
        call.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        call.__annotations__ = {each.name: each.annotation for each in parameters}
        call.__name__, call.__doc__, call.__module__ = (
            function.__name__,
            function.__doc__,
            function.__module__,
        )
        call.rules = rules  # type: ignore[attr-defined]
        return call

    return decorate


def refuse_unused(
    rules: Sequence[Rule],
    given: Sequence[str],
    values: Mapping[str, Any],
    spelled: Mapping[str, Sequence[str]],
) -> None:
    """Refuse the options that were given and have no effect.

    Raises
    ------
    InputError
        The text says what the first one requires.
    """
    options = SimpleNamespace(**values)
    for rule in rules:
        if rule.option in given and not rule.condition(options):
            raise InputError(f"{spelled[rule.option][0]} requires {rule.requires}")


def _is_given(context: typer.Context, name: str) -> bool:
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def _parameters(kind: Any) -> list[inspect.Parameter]:
    hints = get_type_hints(kind, include_extras=True)
    return [
        inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=inspect.Parameter.empty if field.default is MISSING else field.default,
            annotation=hints[field.name],
        )
        for field in fields(kind)
    ]
