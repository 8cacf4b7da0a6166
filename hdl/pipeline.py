"""A pipeline that balances itself: operands that meet in a stage have equal latency."""

from collections.abc import Callable
from typing import Any, NamedTuple

from amaranth.hdl import Const, Instance, Module, Signal, Value
from amaranth.hdl._ast import Assign


class Timed(NamedTuple):
    """An expression, and how many clocks after the pipeline's inputs it is valid.

    The stage of what never changes while anything is in the pipeline is None: it is valid in each.
    """

    value: Any
    stage: int | None


class Pipeline:
    """A growing set of registers, one named stage after another.

    An operand that is early for its stage is delayed by registers, which are shared when several
    stages need the same delay. The registers aren't reset: the caller tracks validity.

    Attributes
    ----------
    statements : list of Assign
        What loads the registers.
    instances : dict of str to Instance
        Technology cells in the pipeline.
    """

    def __init__(self) -> None:
        self.statements: list[Assign] = []
        self.instances: dict[str, Instance] = {}
        self._delayed: dict[tuple[int, int], Timed] = {}
        self._kept: list[Any] = []
        self._settled: list[Any] = []

    def build(self, m: Module) -> None:
        """Put the registers and cells into a module."""
        m.d.sync += self.statements
        for name, instance in self.instances.items():
            m.submodules[name] = instance

    def input(self, value: Any) -> Timed:
        """Return an input of the pipeline: valid at stage 0."""
        return Timed(value, 0)

    def register(
        self, name: str, function: Callable[..., Any], *operands: Timed, init: int | None = None
    ) -> Timed:
        """Return ``function(*operands)`` behind a register, one stage after its latest operand.

        If no operand has a stage, there is nothing to wait for, and no register. The register
        starts as the word `init`, or as 0.
        """
        together = self.together(function, *operands)
        if together.stage is None:
            return together
        return Timed(self._registered(name, together.value, init), together.stage + 1)

    def settled(self, name: str, function: Callable[..., Any], *operands: Timed) -> Timed:
        """Return ``function(*operands)`` of what never changes, behind a register that needs no stage of its own.

        The operands change at rest only, so the register holds the new result one clock after them: from stage 1
        on. Of constants the result is one, and needs no register. If an operand has a stage, this is
        :meth:`register`.
        """
        together = self.together(function, *operands)
        if together.stage is not None or all(isinstance(Value.cast(one.value), Const) for one in operands):
            return self.register(name, function, *operands)
        self._settled.append(self._registered(name, together.value))
        return Timed(self._settled[-1], None)

    def together(self, function: Callable[..., Any], *operands: Timed) -> Timed:
        """Return ``function(*operands)`` without a register, at the stage of the latest operand.

        Raises
        ------
        ValueError
            An operand is a settled value, and would be looked at before it has settled.
        """
        stage = self.latest(*operands)
        if not stage and any(operand.value is settled for operand in operands for settled in self._settled):
            raise ValueError("a settled value can't be had before stage 1")
        at_once = operands if stage is None else [self.at(operand, stage) for operand in operands]
        return Timed(function(*(operand.value for operand in at_once)), stage)

    @staticmethod
    def latest(*operands: Timed) -> int | None:
        """Return the latest stage of several operands; None if none has one."""
        return max((operand.stage for operand in operands if operand.stage is not None), default=None)

    def at(self, operand: Timed, stage: int) -> Timed:
        """Return an operand as it is at a later stage."""
        if operand.stage is None or operand.stage == stage:
            return operand
        if operand.stage > stage:
            raise ValueError(f"a value of stage {operand.stage} can't be had at stage {stage}")
        key = (id(operand.value), stage)
        if key not in self._delayed:
            before = self.at(operand, stage - 1).value
            name = getattr(getattr(before, "as_value", lambda: before)(), "name", "delay")
            self._delayed[key] = Timed(self._registered(f"{name.split('__')[0]}__{stage}", before), stage)
            # Identities stay unique as long as the objects live.
            self._kept.append(operand.value)
        return self._delayed[key]

    def align(self, *operands: Timed) -> tuple[Timed, ...]:
        """Return operands as they are at the latest one's stage."""
        latest = self.latest(*operands)
        return operands if latest is None else tuple(self.at(operand, latest) for operand in operands)

    def _registered(self, name: str, value: Any, init: int | None = None) -> Any:
        register = Signal(value.shape(), name=name, init=init or 0, reset_less=True)
        self.statements.append(register.eq(value))
        return register
