"""Switching activity: the counts of SAIF are those of the same run's waves."""

import io
import re
from pathlib import Path

import pytest
from vcd.reader import TokenKind, tokenize

from qlif.cosim.simulator.find import find
from qlif.model.exceptions import InputError

SIZE = ["--preset", "tiny-8", "--neurons", 2, "--steps", 12, "--stalls", 0.2, "--seed", 3]


def saif_counts(text):
    """Return T0, T1 and TC of each bit, by instances and name, and the duration."""
    tokens = re.findall(r'"[^"]*"|[()]|[^\s()]+', re.sub(r"^//.*$", "", text, flags=re.MULTILINE))
    counts, duration, path, opened = {}, 0, [], []
    for place, token in enumerate(tokens):
        if token == "(":
            kind = tokens[place + 1]
            opened.append(kind)
            if kind == "INSTANCE":
                path.append(tokens[place + 2])
            elif kind == "DURATION":
                duration = int(tokens[place + 2])
            elif len(opened) > 2 and opened[-2] == "NET":
                found = counts[*path, kind.replace("\\", "")] = {}
            elif kind in ("T0", "T1", "TX", "TC"):
                found[kind] = int(tokens[place + 2])
        elif token == ")" and opened.pop() == "INSTANCE":
            path.pop()
    assert not opened and not path
    return counts, duration


def vcd_counts(path):
    """Return the same of waves."""
    scopes, bits, last, time = [], {}, {}, 0
    counts = {}
    tokens = list(tokenize(io.BytesIO(path.read_bytes().replace(b"$rootio", b"rootio"))))
    end = max(token.data for token in tokens if token.kind is TokenKind.CHANGE_TIME)
    for token in tokens:
        match token.kind:
            case TokenKind.SCOPE:
                scopes.append(token.data.ident.replace("rootio", "$rootio"))
            case TokenKind.UPSCOPE:
                scopes.pop()
            case TokenKind.VAR if scopes[0] != "qlif":
                index = token.data.bit_index
                if index is None and token.data.size == 1:
                    names = [(*scopes, token.data.reference)]
                else:
                    low = 0 if index is None else min(index) if isinstance(index, tuple) else index
                    names = [
                        (*scopes, f"{token.data.reference}[{low + bit}]") for bit in range(token.data.size)
                    ]
                bits.setdefault(token.data.id_code, []).append(names)
                counts |= {name: {"T0": 0, "T1": 0, "TC": 0} for name in names}
            case TokenKind.CHANGE_TIME:
                time = token.data
            case TokenKind.CHANGE_SCALAR | TokenKind.CHANGE_VECTOR:
                for names in bits.get(token.data.id_code, ()):
                    for bit, name in enumerate(names):
                        value = int(token.data.value) >> bit & 1
                        # To Verilator's SAIF each bit was 0 before the run: a first 1 is a change.
                        before, since = last.get(name, (0, 0))
                        counts[name][f"T{before}"] += time - since
                        counts[name]["TC"] += before != value
                        last[name] = value, time
    for name, (value, since) in last.items():
        counts[name][f"T{value}"] += end - since
    return counts, end


@pytest.fixture
def verilator():
    """Verilator, or a skip with the reason."""
    try:
        return find("verilator")
    except InputError as error:
        pytest.skip(str(error))


@pytest.mark.slow
def test_the_counts_of_saif_are_those_of_the_waves(qlif, verilator):
    code, _, errors = qlif("cosim", *SIZE, "--saif", "activity/run.saif")
    assert code == 0, errors
    saif, duration = saif_counts(Path("activity/run.saif").read_text())
    code, _, errors = qlif("cosim", *SIZE, "--waves", "--out", "waves")
    assert code == 0, errors
    vcd, end = vcd_counts(Path("waves/run/waves.vcd"))
    assert duration == end
    assert len(saif) > 300 and saif.keys() <= vcd.keys()
    wrong = {name for name in saif for key in ("T0", "T1", "TC") if saif[name][key] != vcd[name][key]}
    assert sorted(wrong) == []
