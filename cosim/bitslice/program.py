"""The C program that advances every instance of a netlist by one clock."""

import functools
import heapq
from collections.abc import Iterator, Sequence

from qlif.cosim.bitslice.netlist import ONE, UNKNOWN, ZERO, Memory, ReadPort, SliceNetlist, Table

WIDTHS = (512, 256, 128, 64)
"""Instances in a machine word."""

_HEAD = """\
#include <stdint.h>
#include <string.h>
#if WIDTH == 64
typedef uint64_t slice;
#define FIRST(x) (x)
#define ALL(bit) (-(uint64_t)(bit))
#else
typedef uint64_t slice __attribute__((vector_size(WIDTH / 8)));
#define FIRST(x) ((x)[0])
#define ALL(bit) ((slice){} - (uint64_t)(bit))
#endif
#define INLINE static inline __attribute__((always_inline))

/* A function of two bits, and of three, by its table: what is left of it is a few gates. */
INLINE slice table2(slice b, slice a, unsigned truth) {
  switch (truth) {
    case 0: return ALL(0);      case 1: return ~(a | b);   case 2: return a & ~b;   case 3: return ~b;
    case 4: return ~a & b;      case 5: return ~a;         case 6: return a ^ b;    case 7: return ~(a & b);
    case 8: return a & b;       case 9: return ~(a ^ b);   case 10: return a;       case 11: return a | ~b;
    case 12: return b;          case 13: return ~a | b;    case 14: return a | b;   default: return ALL(1);
  }
}
#if defined(__AVX512F__) && WIDTH == 512
#include <immintrin.h>
#define TABLE3(c, b, a, truth) ((slice)_mm512_ternarylogic_epi64((__m512i)(c), (__m512i)(b), (__m512i)(a), truth))
#elif defined(__AVX512VL__) && WIDTH == 256
#include <immintrin.h>
#define TABLE3(c, b, a, truth) ((slice)_mm256_ternarylogic_epi64((__m256i)(c), (__m256i)(b), (__m256i)(a), truth))
#elif defined(__AVX512VL__) && WIDTH == 128
#include <immintrin.h>
#define TABLE3(c, b, a, truth) ((slice)_mm_ternarylogic_epi64((__m128i)(c), (__m128i)(b), (__m128i)(a), truth))
#else
INLINE slice TABLE3(slice c, slice b, slice a, unsigned truth) {
  const unsigned low = truth & 15u, high = truth >> 4;
  if (low == high) return table2(b, a, low);
  if ((low ^ high) == 15u) return c ^ table2(b, a, low);
  if (low == 0u) return c & table2(b, a, high);
  if (high == 0u) return ~c & table2(b, a, low);
  if (low == 15u) return ~c | table2(b, a, high);
  if (high == 15u) return c | table2(b, a, low);
  return (c & table2(b, a, high)) | (~c & table2(b, a, low));
}
#endif
INLINE slice choose(slice where, slice one, slice other) { return TABLE3(where, one, other, 0xCA); }
#ifdef NETS
/* What is injected into each net, instance by instance: where it keeps its value, and where that is inverted. */
slice keep[NETS], flip[NETS];
#define INJECTED(x, net) TABLE3(flip[net], keep[net], x, 0x78)
#endif
INLINE int any(slice x) {
  uint64_t words[WIDTH / 64], found = 0;
  memcpy(words, &x, sizeof words);
  for (int i = 0; i < WIDTH / 64; i++) found |= words[i];
  return found != 0;
}
/* Where each instance has an address of its own: `is[row]` says whether it is this row. */
INLINE void decode(slice *is, slice enabled, const slice *address, int bits, int rows) {
  is[0] = enabled;
  for (int bit = 0; bit < bits; bit++)
    for (int row = 0; row < 1 << bit; row++) {
      if (row + (1 << bit) < rows) is[row + (1 << bit)] = is[row] & address[bit];
      is[row] = is[row] & ~address[bit];
    }
}
"""

_RUN = """\
/* Advances by some clocks: `period` rows of inputs, over and over; `step` between rows of outputs. */
void run(slice *state, slice *const *memory, const slice *in, long period, slice *out, long step, long clocks) {
  for (long clock = 0, row = 0; clock < clocks; clock++) {
    advance(in + row * INPUTS, state, out + clock * step, memory);
    if (++row == period) row = 0;
  }
}
"""


def program(netlist: SliceNetlist, *, in_step: bool, injected: bool = False) -> str:
    """Return the C program of a netlist, to be compiled with ``WIDTH`` defined.

    Parameters
    ----------
    netlist : SliceNetlist
    in_step : bool
        Whether all instances have the same address at every memory in every clock, that of the first one.
    injected : bool
        Whether every net can be forced: the arrays ``keep`` and ``flip`` have a slice for each of `netlist.wires`.
    """
    inputs = [bit for bits in netlist.inputs.values() for bit in bits]
    sizes = f"#define INPUTS {len(inputs) + 1}\n#define FLIP_FLOPS {len(netlist.flip_flops)}\n"
    if injected:
        sizes += f"#define NETS {len(netlist.wires)}\n"
    head = (
        "static void advance(const slice *restrict in, slice *restrict state, slice *restrict out, "
        "slice *const *memory) {\n  const slice zero = ALL(0), one = ALL(1), unknown = "
        f"in[{len(inputs)}];\n  (void)zero, (void)one, (void)unknown, (void)memory;\n"
    )
    lines = _Lines(netlist, in_step, injected).all()
    return sizes + _HEAD + head + "".join(f"  {line}\n" for line in lines) + "}\n" + _RUN


class _Lines:
    """The lines of one clock, in an order in which what was computed is soon used, and soon done with."""

    def __init__(self, netlist: SliceNetlist, in_step: bool, injected: bool) -> None:
        self._netlist, self._in_step = netlist, in_step
        self._net = {bit: place for place, bit in enumerate(netlist.wires)} if injected else {}
        self._lines: list[str] = []
        self._computed: set[int] = set()
        self._source: dict[int, Table | str | tuple[int, int]] = {}
        inputs = [bit for bits in netlist.inputs.values() for bit in bits]
        self._source |= {bit: f"in[{place}]" for place, bit in enumerate(inputs)}
        self._source |= {each.output: f"state[{place}]" for place, each in enumerate(netlist.flip_flops)}
        self._source |= {table.output: table for table in netlist.tables}
        for number, memory in enumerate(netlist.memories):
            for place, port in enumerate(memory.reads):
                self._source |= {bit: (number, place) for bit in port.data if bit >= 0}

    def all(self) -> list[str]:
        """Return them."""
        flip_flops = self._netlist.flip_flops
        for place in _order(self._netlist):
            self._compute(flip_flops[place].data)
            self._compute(flip_flops[place].output)  # whoever reads it later has what it was
            self._lines.append(f"state[{place}] = {_bit(flip_flops[place].data)};")
        outputs = [bit for bits in self._netlist.outputs.values() for bit in bits]
        for place, bit in enumerate(outputs):
            self._compute(bit)
            self._lines.append(f"out[{place}] = {_bit(bit)};")
        for memory in self._netlist.memories:
            for port in memory.writes:
                for bit in (*port.address, *port.data, *port.enable):
                    self._compute(bit)
        for number, memory in enumerate(self._netlist.memories):
            self._lines += _writes(number, memory, self._in_step)
        return self._lines

    def _compute(self, wanted: int) -> None:
        """Add the lines of a bit, after those of what it needs."""
        stack = [wanted]
        while stack:
            bit = stack[-1]
            if bit < 0 or bit in self._computed:
                stack.pop()
                continue
            source = self._source[bit]
            missing = [each for each in self._needed(source) if each >= 0 and each not in self._computed]
            if missing:
                stack += reversed(missing)
                continue
            stack.pop()
            match source:
                case str():
                    self._lines.append(self._assign(bit, source))
                    self._computed.add(bit)
                case Table():
                    self._lines.append(self._assign(bit, _table(source)))
                    self._computed.add(bit)
                case number, place:
                    memory = self._netlist.memories[number]
                    port, name = memory.reads[place], f"r{number}_{place}"
                    self._lines += _read(name, number, memory, port, self._in_step)
                    read = enumerate(port.data)
                    self._lines += [self._assign(bit, f"{name}[{i}]") for i, bit in read if bit >= 0]
                    self._computed.update(port.data)

    def _assign(self, bit: int, value: str) -> str:
        injected = f"INJECTED({value}, {self._net[bit]})" if bit in self._net else value
        return f"const slice b{bit} = {injected};"

    def _needed(self, source: "Table | str | tuple[int, int]") -> tuple[int, ...]:
        match source:
            case str():
                return ()
            case Table():
                return source.inputs
            case number, place:
                return self._netlist.memories[number].reads[place].address


def _order(netlist: SliceNetlist) -> list[int]:
    """Return the flip-flops, those first whose own value is needed least: of a pipeline, the last stage."""
    number = {each.output: place for place, each in enumerate(netlist.flip_flops)}
    reads: dict[int, int] = {
        bit: 1 << place for bit, place in number.items()
    }  # which flip-flops a bit depends on
    waiting = [port for memory in netlist.memories for port in memory.reads]
    for table in netlist.tables:
        reads[table.output] = functools.reduce(int.__or__, (reads.get(bit, 0) for bit in table.inputs), 0)
        for port in waiting:
            if table.output in port.address:
                reads |= {bit: reads.get(bit, 0) | reads[table.output] for bit in port.data}
    for port in waiting:
        needed = functools.reduce(int.__or__, (reads.get(bit, 0) for bit in port.address), 0)
        reads |= {bit: reads.get(bit, 0) | needed for bit in port.data}
    needs = [reads.get(each.data, 0) & ~(1 << place) for place, each in enumerate(netlist.flip_flops)]
    readers = [0] * len(needs)
    for each in needs:
        for place in _ones(each):
            readers[place] += 1
    heap = [(count, place) for place, count in enumerate(readers)]
    heapq.heapify(heap)
    order: list[int] = []
    done = [False] * len(needs)
    while heap:
        count, place = heapq.heappop(heap)
        if done[place] or count != readers[place]:
            continue
        done[place] = True
        order.append(place)
        for other in _ones(needs[place]):
            readers[other] -= 1
            if not done[other]:
                heapq.heappush(heap, (readers[other], other))
    return order


def _ones(bits: int) -> Iterator[int]:
    """Yield the places of a number's ones."""
    while bits:
        lowest = bits & -bits
        yield lowest.bit_length() - 1
        bits ^= lowest


def _table(table: Table) -> str:
    inputs = [*map(_bit, table.inputs), "zero", "zero"][:3]
    truth, places = table.truth, 1 << len(table.inputs)
    while places < 8:
        truth |= truth << places
        places *= 2
    return f"TABLE3({inputs[2]}, {inputs[1]}, {inputs[0]}, {truth})"


def _read(name: str, number: int, memory: Memory, port: ReadPort, in_step: bool) -> Iterator[str]:
    if in_step:
        yield f"const slice *const {name} = memory[{number}] + {_row(memory, port.address)} * {memory.width};"
    else:
        yield f"slice {name}[{memory.width}], {name}_is[{memory.size}];"
        yield _decode(f"{name}_is", "one", port.address, memory.size)
        yield f"for (int i = 0; i < {memory.width}; i++) {name}[i] = zero;"
        yield (
            f"for (int row = 0; row < {memory.size}; row++) for (int i = 0; i < {memory.width}; i++) "
            f"{name}[i] = TABLE3({name}[i], {name}_is[row], memory[{number}][row * {memory.width} + i], 0xF8);"
        )


def _writes(number: int, memory: Memory, in_step: bool) -> Iterator[str]:
    for port in memory.writes:
        enables = sorted(set(port.enable))
        yield f"if (any({' | '.join(map(_bit, enables))})) {{"
        if in_step:
            yield f"  slice *const row = memory[{number}] + {_row(memory, port.address)} * {memory.width};"
            for i, (data, enable) in enumerate(zip(port.data, port.enable, strict=True)):
                yield f"  row[{i}] = choose({_bit(enable)}, {_bit(data)}, row[{i}]);"
        else:
            for enable in enables:
                yield f"  {{ slice is[{memory.size}];"
                yield "  " + _decode("is", _bit(enable), port.address, memory.size)
                yield f"  for (int row = 0; row < {memory.size}; row++) {{"
                yield f"    slice *const at = memory[{number}] + row * {memory.width};"
                for i, data in enumerate(port.data):
                    if port.enable[i] == enable:
                        yield f"    at[{i}] = choose(is[row], {_bit(data)}, at[{i}]);"
                yield "  } }"
        yield "}"


def _row(memory: Memory, address: Sequence[int]) -> str:
    """Return the row that the first instance addresses; of those beyond the last, some row."""
    terms = [f"((FIRST({_bit(bit)}) & 1) << {place})" for place, bit in enumerate(address) if bit != ZERO]
    row = f"({' | '.join(terms) or '0'})"
    return row if memory.size == 1 << len(address) else f"({row} % {memory.size})"


def _decode(name: str, enabled: str, address: Sequence[int], rows: int) -> str:
    bits = ", ".join(map(_bit, address)) or "zero"
    return f"{{ const slice address[] = {{{bits}}}; decode({name}, {enabled}, address, {len(address)}, {rows}); }}"


_CONSTANTS = {ZERO: "zero", ONE: "one", UNKNOWN: "unknown"}


def _bit(bit: int) -> str:
    return _CONSTANTS.get(bit) or f"b{bit}"
