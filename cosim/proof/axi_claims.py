"""The claims about an AXI shell, by induction over one clock, whatever its registers are and the population gives."""

import re
import time
from collections.abc import Iterator, Mapping

from qlif.cosim.proof.circuit import Circuit, Clock
from qlif.cosim.proof.claims import Claim, timed_out
from qlif.cosim.proof.products import Products
from qlif.cosim.proof.read_verilog import read_circuit
from qlif.cosim.proof.solver import Term
from qlif.hdl.interface import Interface
from qlif.hdl.ip.export import axi_shell
from qlif.hdl.ip.registers import register_map
from qlif.hdl.ip.shell import IN, SHELL_MODULE
from qlif.hdl.ip.shift_counter import Mark, nth
from qlif.hdl.ports import Stream
from qlif.hdl.verilog import Export

HELD = "a response on AXI4-Lite doesn't change until it is taken"
ONCE = "each access on AXI4-Lite gets one response"
OFF_MAP = (
    "a write off the map, or of a register that can't be written, is answered with SLVERR and changes nothing"
)
READS = "a read changes nothing"
PASSED = "results pass through as the population gives them"
TAKEN = "each current goes to the population, or is left out because a TLAST was missing; others are 0"
COUNTED = "a timestep has as many rows as the population"
ALIGNED = "without a restart, a timestep begins with the first current after a TLAST"
CLOSED = "from the start of a self-test to the next restart, no current is taken"

SHELL_CLAIMS = frozenset({HELD, ONCE, OFF_MAP, READS, PASSED, TAKEN, COUNTED, ALIGNED})

_OF_WRITES = frozenset({"wrote", "s_axi_bresp"})
_CLOCKS = 3


def axi_claims(
    population: Export, seconds: float, verilog: str | None = None, tested: Export | None = None
) -> Iterator[Claim]:
    """Prove the shell around a population.

    Parameters
    ----------
    population : Export
        Only its ports matter.
    seconds : float
        The time that the solver may take for one claim.
    verilog : str, optional
        Of the shell, if something was changed in it.
    tested : Export, optional
        The self-test around the population. It may give anything too.
    """
    proof = AxiProof(population, seconds, verilog, tested)
    claims = [
        (HELD, proof.held), (ONCE, proof.once), (OFF_MAP, proof.off_map), (READS, proof.reads),
        (PASSED, proof.passed), (TAKEN, proof.taken), (COUNTED, proof.counted), (ALIGNED, proof.aligned),
    ]  # fmt: skip
    if tested is not None:
        claims.append((CLOSED, proof.closed))
    for name, claim in claims:
        begun = time.monotonic()
        answer = proof.terms.prove(claim(), [], None, seconds)
        why = timed_out(seconds) if answer.verdict == "unknown" else ""
        yield Claim(
            population.interface.name, name, answer.verdict, None, time.monotonic() - begun, answer.values or None,
            why=why,
        )  # fmt: skip


class AxiProof:
    """A shell whose population gives anything, in three clocks from any state."""

    def __init__(
        self, population: Export, seconds: float, verilog: str | None, tested: Export | None = None
    ) -> None:
        self.interface, self.seconds = population.interface, seconds
        self.registers = register_map(SHELL_MODULE, self.interface, tested is not None)
        text = re.sub(r"\baclk\b", "clk", axi_shell(population, tested)[1] if verilog is None else verilog)
        self.terms = Products()
        inner = (tested or population).interface
        self.circuit: Circuit = read_circuit(text + _anything(inner), SHELL_MODULE, every_signal=True)
        self.has_self_test = tested is not None
        self.states = {
            number: self.terms.fresh(self.circuit.width(number), name)
            for name, number in self.circuit.states.items()
            if not self.circuit.sorts[number].index
        }
        self.now = self.clock(self.states)

    def clock(self, states: Mapping[int, Term], **inputs: Term) -> Clock:
        """Return a clock without reset; what isn't given may be anything."""
        free = {
            name: inputs.get(name, self.terms.fresh(self.circuit.width(number), name))
            for name, number in self.circuit.inputs.items()
        }
        return Clock(self.terms, self.circuit, {**free, "aresetn": self.terms.true}, states)

    def port(self, now: Clock, name: str) -> Term:
        """Return a port's word."""
        inputs = self.circuit.inputs
        return now.values[inputs[name]] if name in inputs else now.output(name)

    def moved(self, now: Clock, channel: str) -> Term:
        """Return whether a channel moves."""
        return self.terms.both(self.port(now, f"{channel}valid"), self.port(now, f"{channel}ready"))

    def held(self) -> Term:
        """Return that responses are held."""
        terms, now = self.terms, self.now
        after = self.clock(now.following())
        found = []
        for channel, payload, coming in (
            ("b", ("bresp",), now["wrote"]),
            ("r", ("rdata", "rresp"), terms.false),
        ):
            valid, ready = (self.port(now, f"s_axi_{channel}{part}") for part in ("valid", "ready"))
            same = [
                terms.equal(self.port(now, f"s_axi_{x}"), self.port(after, f"s_axi_{x}")) for x in payload
            ]
            waits = terms.both(
                self._sound(now), terms.either(coming, terms.both(valid, terms.negation(ready)))
            )
            found.append(terms.implies(waits, terms.both(self.port(after, f"s_axi_{channel}valid"), *same)))
        return terms.both(terms.implies(self._sound(now), self._sound(after)), *found)

    def _sound(self, now: Clock) -> Term:
        """Return the invariant of responses: none is coming while another one waits."""
        return self.terms.negation(
            self.terms.either(
                self.terms.both(now["asked"], self.port(now, "s_axi_rvalid")),
                self.terms.both(now["wrote"], self.port(now, "s_axi_bvalid")),
            )
        )

    def once(self) -> Term:
        """Return that responses follow accesses, one by one."""
        terms, now = self.terms, self.now
        after = self.clock(now.following())
        found = [terms.equal(self.moved(now, "s_axi_aw"), self.moved(now, "s_axi_w"))]
        for access, answer, coming in (("aw", "b", "wrote"), ("ar", "r", "asked")):
            asked, given = self.moved(now, f"s_axi_{access}"), self.moved(now, f"s_axi_{answer}")
            pending, later = (
                terms.either(clock[coming], self.port(clock, f"s_axi_{answer}valid"))
                for clock in (now, after)
            )
            found.append(terms.negation(terms.both(asked, pending)))
            followed = terms.either(asked, terms.both(pending, terms.negation(given)))
            found.append(terms.implies(self._sound(now), terms.equal(later, followed)))
        return terms.both(*found)

    def off_map(self) -> Term:
        """Return that a wrong write is an error, and that all else is as without it."""
        terms, now = self.terms, self.now
        address = terms.slice(self.port(now, "s_axi_awaddr"), 7, 2)
        right = terms.either(
            *(
                terms.equal(address, terms.constant(register.offset // 4, 6))
                for register in self.registers.registers
                if register.is_writable
            )
        )
        wrong = terms.both(self.moved(now, "s_axi_aw"), terms.negation(right))
        after = self.clock(now.following())
        answered = terms.equal(self.port(after, "s_axi_bresp"), terms.constant(2, 2))
        return terms.implies(wrong, terms.both(answered, self._same_without("s_axi_awvalid", _OF_WRITES)))

    def reads(self) -> Term:
        """Return that all else is as without a read."""
        own = {"asked", "other", "counted", "unknown", "s_axi_rvalid", "s_axi_rresp", "s_axi_rdata"}
        return self._same_without("s_axi_arvalid", frozenset(own))

    def _same_without(self, valid: str, but: frozenset[str]) -> Term:
        """Return whether the next state is that of a clock in which something isn't valid."""
        given = {name: self.now.values[node] for name, node in self.circuit.inputs.items()}
        other = self.clock(self.states, **{**given, valid: self.terms.false}).following()
        following = self.now.following()
        found = {**self.circuit.named, **self.circuit.outputs}
        left_out = {self.circuit.shown(found[name]) for name in but}
        return self.terms.both(
            *(self.terms.equal(following[node], other[node]) for node in self.states if node not in left_out)
        )

    def passed(self) -> Term:
        """Return that valid, ready and the words of results are the population's, and when TLAST is 1."""
        terms, now, found = self.terms, self.now, []
        for stream in self.interface.streams:
            if stream.role == "source":
                outer = f"m_axis_{stream.name}_t"
                for inner, part in ((stream.valid, "valid"), (stream.ready, "ready")):
                    found.append(terms.equal(now[f"population.{inner.name}"], self.port(now, outer + part)))
                found.append(terms.equal(self._data(stream), self.port(now, f"{outer}data")))
                last = terms.true
                if stream.name == "updates":
                    neuron = now[f"population.{stream.fields['neuron'].name}"]
                    of_last_row = self.interface.neurons - self.interface.lanes
                    last = terms.equal(neuron, terms.constant(of_last_row, terms.width(neuron)))
                found.append(terms.equal(last, self.port(now, f"{outer}last")))
        return terms.both(*found)

    def _data(self, stream: Stream) -> Term:
        """Return TDATA as docs/ip.md has it: each word in whole bytes, but bits of several lanes side by side."""
        terms, words = self.terms, []
        for port in stream.payload:
            lanes = self.now[f"population.{port.name}"]
            width = port.width if port.format.width == 1 else port.format.width
            for low in range(0, port.width, width):
                word = terms.slice(lanes, low + width - 1, low)
                words.append(terms.extend(word, -(-width // 8) * 8, port.format.signed))
        return terms.concat(*reversed(words))

    def taken(self) -> Term:
        """Return where each current goes."""
        terms, now = self.terms, self.now
        taken = self.moved(now, f"{IN}_t")
        given = terms.both(now["population.currents_valid"], now["population.currents_ready"])
        filling, dropping = now["filling"], now["dropping"]
        leaves_out = terms.both(dropping, terms.negation(now["closed"])) if self.has_self_test else dropping
        data = now["population.currents_data"]
        exclusive = terms.negation(terms.both(filling, dropping))
        own = terms.both(given, terms.negation(filling))
        zero = terms.equal(data, terms.constant(0, terms.width(data)))
        return terms.implies(
            exclusive,
            terms.both(
                terms.equal(taken, terms.either(own, terms.both(leaves_out, self.port(now, f"{IN}_tvalid")))),
                terms.negation(terms.both(own, dropping)),
                terms.implies(filling, zero),
            ),
        )

    def closed(self) -> Term:
        """Return that closed streams take nothing, and that nothing is made up for them: after a reset, and later."""
        terms, now = self.terms, self.now

        def is_quiet(clock: Clock) -> Term:
            return terms.negation(terms.both(clock["closed"], clock["filling"]))

        before = Clock(terms, self.circuit, {"aresetn": terms.false}, {})
        moved = terms.either(
            self.moved(now, f"{IN}_t"),
            terms.both(now["population.currents_valid"], now["population.currents_ready"]),
        )
        later = self.clock(now.following())
        return terms.both(
            is_quiet(self.clock(before.following())),
            terms.implies(
                is_quiet(now),
                terms.both(is_quiet(later), terms.negation(terms.both(now["closed"], moved))),
            ),
        )

    def counted(self) -> Term:
        """Return that a timestep is under way from its first row to its last one, which is the right one.

        The gates are compared with a counter in all states, which then is followed around once.
        """
        terms, now = self.terms, self.now
        begun = self.clock(Clock(terms, self.circuit, {"aresetn": terms.false}, {}).following())
        after = self.clock(now.following())
        if self.interface.rows == 1:
            under_way = terms.either(begun["mid"], terms.both(after["mid"], terms.negation(now["mid"])))
            return terms.negation(under_way)
        moved, restart, last = now["rows.moved"], now["restart"], now["rows.last"]
        expected = {"mid": terms.choose(moved, terms.negation(last), now["mid"])}
        if self.interface.rows == 2:
            expected["rows.last"] = terms.choose(moved, terms.negation(last), last)
        else:
            mark, row = nth(self.interface.rows - 2, self.interface.rows), now["rows.row"]
            if not _ends_after(self.interface.rows, mark):
                return terms.false
            bits = [terms.slice(row, place, place) for place in range(mark.counter.bits)]
            parity = terms.true
            for tap in mark.counter.taps:
                parity = terms.make("BV_XOR", parity, bits[tap])
            shifted = terms.concat(*reversed(bits[:-1]), parity)
            seen = (terms.equal(bits[place], terms.constant(mark.word >> place, 1)) for place in mark.places)
            expected["rows.row"] = self._restarted(last, terms.choose(moved, shifted, row))
            expected["rows.last"] = terms.choose(moved, terms.both(*seen), last)
        return terms.both(
            *(terms.negation(terms.any(begun[name])) for name in expected),
            *(terms.equal(after[name], self._restarted(restart, word)) for name, word in expected.items()),
        )

    def _restarted(self, restart: Term, word: Term) -> Term:
        """Return a word, or 0 where something begins anew."""
        return self.terms.choose(restart, self.terms.constant(0, self.terms.width(word)), word)

    def aligned(self) -> Term:
        """Return that the invariants of the timesteps hold after a reset, and a clock later if they hold."""
        terms, now = self.terms, self.now
        first = terms.fresh(1, "first")
        before = Clock(terms, self.circuit, {"aresetn": terms.false}, {})
        begun = self.clock(before.following())
        taken, last = self.moved(now, f"{IN}_t"), self.port(now, f"{IN}_tlast")
        later = self.clock(now.following())
        calm = terms.both(terms.negation(now["restart"]), self._begins_right(now, first))
        return terms.both(
            self._begins_right(begun, terms.true),
            terms.implies(calm, self._begins_right(later, terms.choose(taken, last, first))),
        )

    def _begins_right(self, now: Clock, first: Term) -> Term:
        """Return where the source is: at the first current after a TLAST, or not."""
        terms, no = self.terms, self.terms.negation
        mid, filling, dropping = now["mid"], now["filling"], now["dropping"]
        held = [
            terms.implies(terms.both(no(mid), no(dropping)), first),
            terms.implies(filling, terms.both(mid, first)),
            terms.implies(terms.both(mid, no(filling)), no(first)),
            terms.implies(dropping, terms.both(no(mid), no(first))),
        ]
        return terms.both(*held)


def _ends_after(rows: int, mark: Mark) -> bool:
    """Return whether a mark is seen at the last row but one only, of three or more."""
    row, seen = 0, []
    for _ in range(rows):
        seen.append(all((row ^ mark.word) >> place & 1 == 0 for place in mark.places))
        parity = sum(row >> tap & 1 for tap in mark.counter.taps) % 2
        row = (row << 1 | 1 - parity) & ((1 << mark.counter.bits) - 1)
    return [place for place, one in enumerate(seen) if one] == [rows - 2]


def _anything(interface: Interface) -> str:
    """Return a population that gives anything, for some clocks: what its registers happen to be."""
    ports = ", ".join(f"{port.direction} [{port.width - 1}:0] {port.name}" for port in interface.ports)
    lines = [f"\nmodule {interface.module}(input clk, input rst, {ports});"]
    for port in interface.outputs:
        for clock in range(_CLOCKS):
            lines.append(f"  reg [{port.width - 1}:0] anything_{port.name}_{clock};")
        for clock in range(_CLOCKS - 1):
            register = f"anything_{port.name}_{clock}"
            lines.append(f"  always @(posedge clk) {register} <= anything_{port.name}_{clock + 1};")
        last = f"anything_{port.name}_{_CLOCKS - 1}"
        lines.append(f"  always @(posedge clk) {last} <= {last};")
        lines.append(f"  assign {port.name} = anything_{port.name}_0;")
    return "\n".join([*lines, "endmodule", ""])
