"""The golden model as C99: exact integers, no undefined behaviour, nothing but the C library."""

from collections.abc import Collection, Iterator
from typing import Any

import numpy as np

from qlif.model import random_words
from qlif.model.exceptions import InputError
from qlif.model.formats import Format
from qlif.model.golden.recorded import CHOICE, Recorded, RecordedStep, parameter_input, record, width
from qlif.model.words import Words

MOST_BITS = 128
WIDE = "qlif_int128"


def c_files(words: Words, name: str, runtime: Collection[str] = ()) -> dict[str, str]:
    """Return header and source by their names.

    Parameters
    ----------
    words : Words
    name : str
        Of the configuration, for the headers.
    runtime : collection of str
        Parameter words that are written at run time.

    Raises
    ------
    InputError
        An update needs integers of more than 128 bits.
    """
    recorded = record(words, runtime, Recorded)
    if recorded.bits > MOST_BITS:
        raise InputError(
            f"C holds integers of at most {MOST_BITS} bits, and an update of {name} needs {recorded.bits}"
        )
    return {"qlif_golden.h": _header(recorded, name), "qlif_golden.c": _source(recorded)}


def _type(*values: Recorded) -> str:
    """Return the narrowest type to compute with that holds all of these."""
    low, high = min(value.low for value in values), max(value.high for value in values)
    for size in (32, 64):
        if width(low, high) <= size:
            return f"int{size}_t"
        if low >= 0 and high.bit_length() <= size:
            return f"uint{size}_t"
    return WIDE


def _kept_type(format: Format) -> str:
    """Return the narrowest type to keep a word in."""
    sign = "" if format.signed else "u"
    size = next((size for size in (8, 16, 32, 64) if format.width <= size), None)
    return f"{sign}int{size}_t" if size else f"qlif_{sign}int128"


def _number(value: int) -> str:
    """Return a number that is exact in its type."""
    bits = width(value, value)
    if bits <= 32:
        return str(value) if value > -(1 << 31) else "(-2147483647 - 1)"
    if bits <= 64:
        return f"INT64_C({value})" if value > -(1 << 63) else "(-INT64_C(9223372036854775807) - 1)"
    high, low = value >> 64, value & ((1 << 64) - 1)
    return f"(({WIDE}){_number(high)} * (({WIDE})1 << 64) + ({WIDE})UINT64_C({low}))"


class _Lines:
    """Writes each recorded operation as a line of C."""

    def __init__(self, recorded: RecordedStep) -> None:
        self._recorded = recorded

    def __iter__(self) -> Iterator[str]:
        for line in self._recorded.lines:
            type = "int" if line.is_condition else _type(line)
            yield f"const {type} {self.name(line)} = {self._made(line, type)};"

    def name(self, value: Recorded) -> str:
        """Return what stands for a value."""
        match value.operation:
            case "input":
                return value.name
            case "number":
                return _number(value.number)
            case _:
                return f"t{self._recorded.place(value)}"

    def _made(self, line: Recorded, type: str) -> str:
        # All of an operation is in one type that holds operands and result.
        match line.operation:
            case ">>":
                (operand,) = line.operands
                within = _type(operand)
                most = 127 if within == WIDE else int(within.strip("uint_")) - 1
                return f"({type})({self._as(operand, within)} >> {min(line.number, most)})"
            case "<<":
                (operand,) = line.operands
                factor = Recorded.of(1 << line.number)
                within = _type(line, operand, factor)
                return f"({type})({self._as(operand, within)} * {self._as(factor, within)})"
            case str() as choice if choice == CHOICE:
                condition, *choices = line.operands
                within = _type(*choices)
                chosen = " : ".join(self._as(value, within) for value in choices)
                return f"({type})({self.name(condition)} ? {chosen})"
            case operator:
                values = line.operands if line.is_condition else (line, *line.operands)
                one, other = (self._as(operand, _type(*values)) for operand in line.operands)
                made = f"{one} {operator} {other}"
                return made if line.is_condition else f"({type})({made})"

    def _as(self, value: Recorded, type: str) -> str:
        """Return a value in a type."""
        plain = _type(value) == type and value.operation != "input" and not type.startswith("u")
        return self.name(value) if plain else f"({type}){self.name(value)}"


def _arguments(recorded: RecordedStep) -> list[str]:
    given = [
        f"{_word(recorded, name)} {name}"
        for name in recorded.inputs
        if name not in recorded.words.kept_formats
    ]
    return [f"{_word(recorded, name)} *kept_{name}" for name in recorded.words.kept_formats] + given


def _word(recorded: RecordedStep, name: str) -> str:
    """Return the type of an input."""
    if name == "random":
        return "uint32_t"
    return (
        f"qlif_{name.removesuffix('_parameter')}_word" if name.endswith("_parameter") else f"qlif_{name}_type"
    )


def _table(values: Any) -> str:
    words = [_number(int(word)) for word in np.ravel(values)]
    return "{\n" + "".join(f"    {', '.join(words[at : at + 8])},\n" for at in range(0, len(words), 8)) + "}"


def _reals(name: str, values: Any) -> str:
    if np.ndim(values) == 0:
        return f"static double {name}(size_t neuron) {{ (void)neuron; return {float(values).hex()}; }}\n"
    rows = ", ".join(float(value).hex() for value in np.ravel(values))
    body = f"    static const double of[] = {{{rows}}};\n    return of[neuron];\n"
    return f"static double {name}(size_t neuron) {{\n{body}}}\n"


_PROTOTYPES = [
    "/* Set parameters to what they were exported with, and reset. */",
    "void qlif_init(qlif_population *population);",
    "/* Put every neuron at its reset potential, not refractory, without trace. */",
    "void qlif_reset(qlif_population *population);",
    "/* Advance all neurons by one timestep; spike[i] is 1 if neuron i spiked, else 0. */",
    "void qlif_step(qlif_population *population, const qlif_current_type *current, uint8_t *spike);",
    "/* Update the next neuron in turn; return whether it spiked. For use instead of qlif_step. */",
    "uint8_t qlif_next(qlif_population *population, qlif_current_type current);",
    "/* The word nearest to a current (halves to even, kept within the format), and what words mean. */",
    "qlif_current_type qlif_current_word(double current, size_t neuron);",
    "double qlif_current(qlif_current_type word, size_t neuron);",
    "double qlif_potential_mv(qlif_potential_type word, size_t neuron);",
]


def _header(recorded: RecordedStep, name: str) -> str:
    arithmetic = recorded.words.arithmetic
    lines = [
        f"/* The golden model of {name.replace('*/', '')}: every word is that of the hardware.",
        " *",
        " * Generated by qlif; Apache-2.0. C99, for compilers whose >> of a negative integer keeps the sign.",
        f" * Form {arithmetic.form}, rounding {arithmetic.rounding}, overflow {arithmetic.overflow}.",
        " *",
        " *     static qlif_population population;",
        " *     qlif_init(&population);",
        " *     qlif_step(&population, currents, spikes);  // one timestep of all neurons",
        " *",
        " * A word means word * 2^-FRACTION: formats are below. qlif_reset starts the neurons over and keeps",
        " * parameters that were written.",
        " */",
        "#ifndef QLIF_GOLDEN_H",
        "#define QLIF_GOLDEN_H",
        "#include <stddef.h>",
        "#include <stdint.h>",
        *("#ifdef __cplusplus", 'extern "C" {', "#endif", ""),
        *_word_types(recorded),
        "",
        *_population_type(recorded),
        "",
        *_PROTOTYPES,
        "",
        *("#ifdef __cplusplus", "}", "#endif", "#endif", ""),
    ]
    return "\n".join(lines)


def _word_types(recorded: RecordedStep) -> Iterator[str]:
    """Yield format and type of each word, and the parameter words that all neurons share."""
    words = recorded.words
    formats = {**words.kept_formats, "current": words.arithmetic.current}
    widths = [format.width for format in (*formats.values(), *(c.format for c in words.constants.values()))]
    if max(*widths, recorded.bits) > 64:
        yield f"__extension__ typedef __int128 {WIDE};"
        yield "__extension__ typedef unsigned __int128 qlif_uint128;"
    yield f"#define QLIF_NEURONS {words.parameters.n}"
    yield ""
    for name, format in formats.items():
        yield from _format_lines(name, format)
        yield f"typedef {_kept_type(format)} qlif_{name}_type;"
    yield ""
    yield "/* The parameter words. */"
    for name, constant in words.constants.items():
        yield from _format_lines(f"{name}_parameter" if name == "refractory" else name, constant.format)
        if name in recorded.variable:
            yield f"typedef {_kept_type(constant.format)} qlif_{name}_word;"
        if isinstance(constant.word, int):
            yield f"#define QLIF_{name.upper()} {_number(constant.word)}"


def _population_type(recorded: RecordedStep) -> Iterator[str]:
    """Yield the state of all neurons."""
    yield "typedef struct {"
    for kept in recorded.words.kept_formats:
        yield f"    qlif_{kept}_type {kept}[QLIF_NEURONS];"
    for name in recorded.variable:
        yield f"    qlif_{name}_word {parameter_input(name)}[QLIF_NEURONS];"
    if recorded.words.arithmetic.rounding.stochastic:
        yield "    uint64_t random[2]; /* the register of the random words */"
    yield "    size_t next; /* the neuron that qlif_next updates */"
    yield "} qlif_population;"


def _format_lines(name: str, format: Format) -> list[str]:
    upper = f"QLIF_{name.upper()}"
    return [
        f"#define {upper}_WIDTH {format.width} /* {format} */",
        f"#define {upper}_FRACTION ({format.f_bits})",
    ]


_RANDOM = f"""\
/* The next random word: qlif.model.random_words says which. */
static inline uint32_t next_random(uint64_t *random) {{
    const uint64_t low = random[0], high = random[1];
    const uint32_t word = (uint32_t)low ^ ((uint32_t)(low >> {random_words.MASK_LAGS[0]}) & (uint32_t)high);
    const uint64_t fed = {{FED}};
    random[0] = low >> 32 | high << 32;
    random[1] = high >> 32 | (fed & UINT64_C(0xffffffff)) << {random_words.REGISTER_BITS - 32 - 64};
    return word;
}}

"""


def _source(recorded: RecordedStep) -> str:
    words, lines = recorded.words, _Lines(recorded)
    kept, stochastic = words.kept_formats, words.arithmetic.rounding.stochastic
    text = '/* Generated by qlif; Apache-2.0. */\n#include "qlif_golden.h"\n\n'
    text += "#include <limits.h>\n#include <math.h>\n\n"
    text += "#ifdef __cplusplus\n#define restrict\n#endif\n"
    text += "#if INT_MAX < 2147483647 || (-1 >> 1) != -1\n"
    text += "#error int must have 32 bits, and >> must keep the sign\n#endif\n\n"
    if stochastic:
        shifts = [f"low >> {tap}" if tap else "low" for tap in random_words.TAPS if tap <= 32]
        shifts += [f"(low >> {tap} | high << {64 - tap})" for tap in random_words.TAPS if tap > 32]
        text += _RANDOM.replace("{FED}", " ^ ".join(f"({shift})" for shift in shifts))
    arguments = _arguments(recorded)
    text += "/* One update: the golden step. */\nstatic inline uint8_t update("
    text += ",\n                             ".join(arguments) + ") {\n"
    text += "".join(f"    const qlif_{name}_type {name} = *kept_{name};\n" for name in kept)
    text += "".join(f"    {line}\n" for line in lines)
    text += "".join(
        f"    *kept_{name} = (qlif_{name}_type){lines.name(recorded.outputs[name])};\n" for name in kept
    )
    text += f"    return (uint8_t){lines.name(recorded.outputs['spike'])};\n}}\n\n"
    given = [f"population->{name} + i" for name in kept] + ["{CURRENT}"]
    given += ["next_random(population->random)"] if stochastic else []
    given += [f"population->{parameter_input(name)}[i]" for name in recorded.variable]
    call = f"update({', '.join(given)})"
    tables = [
        f"    static const qlif_{name}_word of_{name}[] = {_table(words.values[name])};\n"
        for name in recorded.variable
        if not isinstance(words.values[name], int)
    ]
    sets = [
        f"        population->{parameter_input(name)}[i] = "
        + (f"QLIF_{name.upper()}" if isinstance(words.values[name], int) else f"of_{name}[i]")
        + ";\n"
        for name in recorded.variable
    ]
    each = "    for (size_t i = 0; i < QLIF_NEURONS; i++)"
    text += "void qlif_init(qlif_population *population) {\n" + "".join(tables)
    text += (
        f"{each} {{\n" + "".join(sets) + "    }\n" if sets else ""
    ) + "    qlif_reset(population);\n}\n\n"
    resting = "population->reset_parameter[i]" if "reset" in recorded.variable else "QLIF_RESET"
    starts = {"potential": resting, "refractory": "0", "trace": "0", "phase": "0"}
    text += f"void qlif_reset(qlif_population *population) {{\n{each} {{\n"
    text += "".join(f"        population->{name}[i] = {starts[name]};\n" for name in kept)
    text += "    }\n    population->next = 0;\n"
    if stochastic:
        register = random_words.initial_register(words.arithmetic.random_seed)
        low, high = register & ((1 << 64) - 1), register >> 64
        text += f"    population->random[0] = UINT64_C({low:#x});\n    population->random[1] = UINT64_C({high:#x});\n"
    text += "}\n\n"
    text += (
        "void qlif_step(qlif_population *restrict population, const qlif_current_type *restrict current,\n"
    )
    text += f"               uint8_t *restrict spike) {{\n{each}\n"
    text += f"        spike[i] = {call.format(CURRENT='current[i]')};\n}}\n\n"
    text += "uint8_t qlif_next(qlif_population *population, qlif_current_type current) {\n"
    text += (
        "    const size_t i = population->next;\n    population->next = i + 1 < QLIF_NEURONS ? i + 1 : 0;\n"
    )
    text += f"    return {call.format(CURRENT='current')};\n}}\n\n"
    return text + _conversions(words)


def _conversions(words: Words) -> str:
    current, potential = words.arithmetic.current, words.arithmetic.potential
    low, high = _number(current.min_word), _number(current.max_word)
    return (
        _reals("origin", words.origin)
        + _reals("scale", words.scale)
        + _reals("current_scale", words.current_scale)
        + f"""
qlif_current_type qlif_current_word(double current, size_t neuron) {{
    const double word = rint(ldexp(current_scale(neuron) * current, {current.f_bits}));
    if (!(word > (double){low}))
        return {low};
    return word >= (double){high} ? {high} : (qlif_current_type)word;
}}

double qlif_current(qlif_current_type word, size_t neuron) {{
    return ldexp((double)word, {-current.f_bits}) / current_scale(neuron);
}}

double qlif_potential_mv(qlif_potential_type word, size_t neuron) {{
    return ldexp((double)word, {-potential.f_bits}) / scale(neuron) + origin(neuron);
}}
"""
    )
