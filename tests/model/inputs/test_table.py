"""Tables: what is read, what is refused, and what is said. A line is never lost in silence."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from qlif.model.exceptions import InputError, InputWarning
from qlif.model.inputs.recordings import load
from qlif.model.inputs.table import decode


@pytest.mark.parametrize(
    "text",
    [
        "1,2\n3,-4.5e0\n",
        "1, 2\r\n3 ,-4.5\r\n\r\n",
        "1,2\r3,-4.5\r",
        "left,right\n1,2\n3,-4.5",
        "# made by 1, 2\n1,2\n# pause\n3,-4.5",
        "\ufeffleft,right\n1,2\n3,-4.5",
        "1,2\n3,\N{MINUS SIGN}4.5\n",
        '"left, near","right"\n"1","2"\n3,"-4.5"\n',
        "1;2\n3;-4,5\n",
        "I (mV);\N{MICRO SIGN}A\n1,0;2\n3;-4,5\n",
        "1\t2\n3\t-4,5\n",
        "sep=;\n1;2\n3;-4,5\n",
    ],
)
def test_what_is_read(text):
    np.testing.assert_array_equal(decode(text.encode()), [[1, 2], [3, -4.5]])


def test_a_minus_sign_on_the_first_line_is_no_header():
    np.testing.assert_array_equal(decode("\N{MINUS SIGN}5\n3\n".encode()), [[-5], [3]])


@given(hnp.arrays(np.float64, st.tuples(st.integers(1, 5), st.integers(1, 4)), elements=st.floats(-1e9, 1e9)))
@settings(max_examples=30, deadline=None)
def test_round_trip(tmp_path_factory, array):
    path = tmp_path_factory.mktemp("csv") / "a.csv"
    np.savetxt(path, array, delimiter=",", header="one, two", fmt="%.17g")
    np.testing.assert_array_equal(load(path, dt=0.1), array)


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("t,I,J\n0,1,2\n0.1,3,4\n", "1 (t)"),
        ("I,Time (ms),J\n1,0,2\n3,0.1,4\n", "2 (Time (ms))"),
        ("timestamp;I;J\n09:30;1,0;2\n09:31;3;4\n", "1 (timestamp)"),
        ("# t, I, J\n0,1,2\n0.1,3,4\n", "1 (t)"),
        (",I,J\n0,1,2\n1,3,4\n", "1 (without a name)"),
        (",0,1\n0,1,2\n1,3,4\n", "1 (without a name)"),
        ("time,0,1\n0,1,2\n1,3,4\n", "1 (time)"),
        ("I,J,\n1,2,\n3,4,\n", "3 (without a name)"),
        ("index,t,I,J\n0,0,1,2\n1,0,3,4\n", "1 (index), 2 (t)"),
    ],
)
def test_columns_of_times_and_numbers_are_left_out_and_it_is_said(text, columns):
    with pytest.warns(InputWarning) as caught:
        samples = decode(text.encode())
    np.testing.assert_array_equal(samples, [[1, 2], [3, 4]])
    assert [str(warning.message) for warning in caught] == [f"not read as currents: column {columns}"]


def test_tau_is_no_time():
    np.testing.assert_array_equal(decode(b"tau,threshold\n1,2\n"), [[1, 2]])


FIRST = "line 1, column 1 must be a number, or a name that begins with a letter, not "


@pytest.mark.parametrize(
    "cell", ["0x10", "12.5 mV", "N/A", "1.0 2.0", "-", "?", "1_0", "null", "'1'", "1,5."]
)
def test_what_is_no_name_is_no_header(cell):
    with pytest.raises(InputError) as error:
        decode(f'"{cell}"\n1\n'.encode())
    assert str(error.value) == f"{FIRST}{cell!r}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "the file has no samples"),
        (b"\n\n", "the file has no samples"),
        (b"#\n", "the file has no samples"),
        (b"left,right\n", "the file has no samples"),
        (b"time\n1\n", "the file has no column of currents, only of times"),
        (b"1,2\n3\n", "line 2 has 1 columns, but the first has 2"),
        (b"a,b\n1,2\n3,4,5\n", "line 3 has 3 columns, but the first has 2"),
        (b"I\n1,5\n", "line 2 has 2 columns, but the first has 1"),
        (b"1,2\n\n3,4\n", "line 2 is empty"),
        (b"1,2\n  \n3,4\n", "line 2 is empty"),
        (b"a,b\n\n3,4\n", "line 2 is empty"),
        (b"1,2\n3,\n", "line 2, column 2 must be a number, not ''"),
        (b",\n", "line 1, column 1 must be a number, not ''"),
        (b"1,left\n", "line 1, column 2 must be a number, not 'left'"),
        (b"1,2\n#N/A,3\n", "line 2, column 1 must be a number, not '#N/A'"),
        (b"1\n1_0\n", "line 2, column 1 must be a number, not '1_0'"),
        (b"1\n0x10\n", "line 2, column 1 must be a number, not '0x10'"),
        ("1\n\N{ARABIC-INDIC DIGIT THREE}\n".encode(),
         "line 2, column 1 must be a number, not '\N{ARABIC-INDIC DIGIT THREE}'"),
        (b"a\n1 2\n",
         "line 2, column 1 must be a number, not '1 2': columns are separated by commas, semicolons or tabs"),
        (b'a,b\n"1,5","2"\n',
         "line 2, column 1 must be a number, not '1,5': a decimal comma needs semicolons or tabs between columns"),
        (b"sep=|\n1|2\n", "columns must be separated by commas, semicolons or tabs, not '|'"),
        (b"1.5;2,5\n", "line 1, column 2: '2,5' has another decimal mark than the numbers before it"),
        (b"1,234\t2\n",
         "line 1, column 1: '1,234' may be a thousand times more or less: write decimals with a point"),
        (b"1.234,5;2\n", "line 1, column 1 must be a number, not '1.234,5'"),
        (b"1,2\n3,nan\n", "line 2, column 2 must be finite, not 'nan'"),
        (b"-inf,2\n", "line 1, column 1 must be finite, not '-inf'"),
        (b"1e999\n", "line 1, column 1 must be finite, not '1e999'"),
        (b'1\n"2\n', "line 2 can't be read: unexpected end of data"),
        (b"1\n\xff\n", "not a text in UTF-8: byte 2 can't be read"),
        ("1\n2\n".encode("utf-16"), "not a text in UTF-8: byte 0 can't be read"),
    ],
)  # fmt: skip
def test_what_is_refused(text, message, tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(text)
    with pytest.raises(InputError) as error:
        load(path, dt=0.1)
    assert str(error.value) == f"'{path}': {message}"


@given(st.text(max_size=40), st.sampled_from(["", "1,2\n", "a,b\n1,2\n", "1;2\n"]))
@settings(deadline=None)
def test_any_text_is_a_table_or_an_error(text, before):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InputWarning)
        try:
            assert np.all(np.isfinite(decode((before + text).encode("utf-8", "surrogatepass"))))
        except InputError as error:
            assert "\n" not in str(error)
