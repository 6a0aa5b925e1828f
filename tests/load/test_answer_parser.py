"""Reading answers: the short path and the parser agree, in whatever pieces the bytes come."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.load.answer_parser import AnswerParser, ParsedAnswer, ProtocolError, parse_whole

WHOLE = (
    b"HTTP/1.1 200 OK\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\nX-POD: m-predictor-00001-x\r\nx-in-flight: 2\r\n"
    b"x-high-water: 5\r\nx-model-ms: 101.25\r\ncontent-length: 11\r\n\r\nhello world"
)
EXPECTED = ParsedAnswer(200, b"m-predictor-00001-x", 2, 5, 11, 0.10125)


def test_the_short_path_reads_status_length_and_witness() -> None:
    assert parse_whole(WHOLE) == EXPECTED


@given(st.lists(st.integers(1, len(WHOLE) - 1), max_size=6))
def test_pieces_give_the_same_answer_as_the_whole(cuts: list[int]) -> None:
    reader = AnswerParser()
    edges = [0, *sorted(set(cuts)), len(WHOLE)]
    answers = [reader.feed(WHOLE[begin:end]) for begin, end in itertools.pairwise(edges)]
    assert answers[:-1] == [None] * (len(answers) - 1)
    assert answers[-1] == EXPECTED


@pytest.mark.parametrize(
    "data",
    [
        b"",
        WHOLE[:-1],
        WHOLE + b"x",
        WHOLE.replace(b"content-length: 11", b"transfer-encoding: chunked"),
        WHOLE.replace(b"content-length: 11", b"content-length: eleven"),
        WHOLE.replace(b"content-length: 11", b"connection: close\r\ncontent-length: 11"),
        WHOLE.replace(b"200 OK", b"100 Continue"),
        WHOLE.replace(b"HTTP/1.1", b"HTTP/1.0"),
    ],
)
def test_the_short_path_leaves_anything_unusual_alone(data: bytes) -> None:
    assert parse_whole(data) is None


def test_keep_alive_is_no_reason_to_leave_the_short_path() -> None:
    assert parse_whole(WHOLE.replace(b"x-in-flight", b"Connection: keep-alive\r\nx-in-flight")) == EXPECTED


@pytest.mark.parametrize("value", [b"many", b"-1", b"inf", b"nan", b"1e99", b""])
def test_a_witness_header_that_is_no_count_is_unknown(value: bytes) -> None:
    answer = parse_whole(WHOLE.replace(b"x-in-flight: 2", b"x-in-flight: " + value))
    assert answer is not None
    assert answer.in_flight == 0


def test_what_is_not_http_is_a_protocol_error() -> None:
    with pytest.raises(ProtocolError):
        AnswerParser().feed(b"220 mail.example.com ESMTP\r\n\r\n")


def test_more_than_the_answer_is_a_protocol_error() -> None:
    reader = AnswerParser()
    reader.feed(WHOLE)
    with pytest.raises(ProtocolError):
        reader.feed(b"HTTP/1.1 200 OK\r\n")


def test_a_body_without_a_length_ends_with_the_connection() -> None:
    reader = AnswerParser()
    assert reader.feed(b"HTTP/1.1 200 OK\r\nx-pod: a\r\n\r\nsome") is None
    assert reader.feed(b" more") is None
    assert reader.end() == ParsedAnswer(200, b"a", body_bytes=9, keep_alive=False)


def test_a_body_shorter_than_its_length_has_no_answer_at_the_end() -> None:
    reader = AnswerParser()
    reader.feed(WHOLE[:-1])
    assert reader.end() is None
    assert (reader.status, reader.body_bytes) == (200, 10)


def test_an_interim_answer_is_passed_over() -> None:
    reader = AnswerParser()
    assert reader.feed(b"HTTP/1.1 103 Early Hints\r\nx-pod: wrong\r\n\r\n") is None
    assert reader.feed(WHOLE) == EXPECTED


@pytest.mark.parametrize("status", [b"-12", b"+20", b"2 0", b"20"])
def test_a_status_that_is_no_three_digits_is_left_to_the_parser(status: bytes) -> None:
    assert parse_whole(WHOLE.replace(b"200", status, 1)) is None


@pytest.mark.parametrize("length", [b"1_1", b"+11", b"11, 11", b"", b"1" * 5000])
def test_a_length_that_is_no_plain_number_is_left_to_the_parser(length: bytes) -> None:
    assert parse_whole(WHOLE.replace(b"content-length: 11", b"content-length: " + length)) is None


def test_two_lengths_that_differ_are_a_protocol_error() -> None:
    doubled = WHOLE.replace(b"content-length: 11", b"content-length: 11\r\nContent-Length: 5")
    assert parse_whole(doubled) is None
    with pytest.raises(ProtocolError):
        AnswerParser().feed(doubled)


@pytest.mark.parametrize("excess", [WHOLE, b"garbage", b"\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"])
def test_what_follows_an_answer_unasked_is_not_counted_and_ends_the_connection(excess: bytes) -> None:
    assert AnswerParser().feed(WHOLE + excess) == EXPECTED._replace(keep_alive=False)


def test_a_switch_of_protocols_nobody_asked_for_is_named() -> None:
    with pytest.raises(ProtocolError, match="switched protocols"):
        AnswerParser().feed(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
