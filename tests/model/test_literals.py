"""Numbers are read and printed as Go does it."""

from __future__ import annotations

import math

import pytest

from conformance.model.literals import (
    RangeError,
    format_fixed,
    format_float,
    parse_boolean,
    parse_float,
    parse_integer,
    quote,
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", 0.0),
        ("-0.5", -0.5),
        ("+3", 3.0),
        ("1e3", 1000.0),
        ("1E-2", 0.01),
        (".5", 0.5),
        ("5.", 5.0),
        ("1_000", 1000.0),
        ("1_0.2_5", 10.25),
        ("inf", math.inf),
        ("-Infinity", -math.inf),
        ("+Inf", math.inf),
        ("0x1p-2", 0.25),
        ("-0X.8P1", -1.0),
        ("0x_1_0p0_1", 32.0),
    ],
)
def test_a_float_is_read_by_gos_grammar(text: str, value: float) -> None:
    assert parse_float(text) == value


@pytest.mark.parametrize("text", ["nan", "NaN", "NAN"])
def test_not_a_number_is_a_float(text: str) -> None:
    assert math.isnan(parse_float(text))


@pytest.mark.parametrize(
    "text", ["", " 1", "1 ", "x", "1x", ".", "1__0", "_1", "1_", "+nan", "0x1", "1e", "٣", "--1", "infin", "0xp1"]
)
def test_what_go_does_not_read_is_refused_with_its_words(text: str) -> None:
    with pytest.raises(ValueError, match=r"invalid syntax$") as refused:
        parse_float(text)
    assert str(refused.value) == f"strconv.ParseFloat: parsing {quote(text)}: invalid syntax"


@pytest.mark.parametrize("text", ["1e400", "-1e400", "0x1p2000"])
def test_a_float_beyond_64_bits_is_out_of_range(text: str) -> None:
    with pytest.raises(ValueError, match=r"out of range") as refused:
        parse_float(text)
    assert str(refused.value) == f'strconv.ParseFloat: parsing "{text}": value out of range'


@pytest.mark.parametrize(
    ("text", "bits", "value"),
    [
        ("0", 32, 0),
        ("+7", 32, 7),
        ("-2147483648", 32, -(1 << 31)),
        ("2147483647", 32, (1 << 31) - 1),
        ("2147483648", 64, 1 << 31),
    ],
)
def test_an_integer_fits_its_bits(text: str, bits: int, value: int) -> None:
    assert parse_integer(text, bits) == value


@pytest.mark.parametrize("text", ["2147483648", "-2147483649", "9" * 30])
def test_an_integer_that_does_not_fit_is_out_of_range(text: str) -> None:
    with pytest.raises(RangeError) as refused:
        parse_integer(text, 32)
    assert str(refused.value) == f'strconv.ParseInt: parsing "{text}": value out of range'


@pytest.mark.parametrize("text", ["", "1.5", " 3", "x", "1_0", "0x1", "٣"])
def test_what_is_no_integer_is_a_syntax_error_not_a_range_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"invalid syntax$") as refused:
        parse_integer(text, 32)
    assert not isinstance(refused.value, RangeError)
    assert str(refused.value) == f"strconv.ParseInt: parsing {quote(text)}: invalid syntax"


def test_booleans_have_six_spellings_each() -> None:
    assert all(parse_boolean(text) is True for text in ("1", "t", "T", "TRUE", "true", "True"))
    assert all(parse_boolean(text) is False for text in ("0", "f", "F", "FALSE", "false", "False"))


@pytest.mark.parametrize("text", ["", "yes", "tRUE", "2", "no"])
def test_any_other_boolean_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"ParseBool") as refused:
        parse_boolean(text)
    assert str(refused.value) == f'strconv.ParseBool: parsing "{text}": invalid syntax'


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (-0.0, "-0"),
        (100.0, "100"),
        (-3.5, "-3.5"),
        (0.01, "0.01"),
        (0.006999999999999999, "0.006999999999999999"),
        (1e-4, "0.0001"),
        (1e-5, "1e-05"),
        (1.5e-7, "1.5e-07"),
        (1e15, "1000000000000000"),
        (1e16, "10000000000000000"),
        (-1e16, "-10000000000000000"),
        (123456789012345680000.0, "123456789012345683968"),
        (1e21, "1e+21"),
        (math.nan, "NaN"),
        (math.inf, "+Inf"),
        (-math.inf, "-Inf"),
    ],
)
def test_a_float_is_printed_as_short_as_it_can_be(value: float, text: str) -> None:
    assert format_float(value) == text


def test_fixed_floats_have_six_digits() -> None:
    assert [format_fixed(value) for value in (0.0, 1.01, -0.5, math.nan, math.inf)] == [
        "0.000000",
        "1.010000",
        "-0.500000",
        "NaN",
        "+Inf",
    ]


def test_quotes_keep_letters_of_any_script() -> None:
    assert quote('a"µ\n') == '"a\\"µ\\n"'
