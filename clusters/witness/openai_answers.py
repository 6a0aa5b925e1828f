"""OpenAI's completions, as language model servers of KServe answer them: always the same few words."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any, Final

from clusters.witness.witness_answers import REMEMBERED_BYTES, BadBodyError, json_response
from conformance.base.http.exchange import Response

WORDS: Final = "It was asked, and it answered."


def completed(path: str, body: bytes) -> Response:
    """The answer to a request for a completion, of a chat by its path. Raises BadBodyError. Loads repeat one payload,
    so small ones are worked out once."""
    return (_remembered if len(body) <= REMEMBERED_BYTES else _completed)(path.endswith("chat/completions"), body)


def _completed(chat: bool, body: bytes) -> Response:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        raise BadBodyError("the body is not JSON") from None
    wanted = "messages" if chat else "prompt"
    if not isinstance(value, dict) or not value.get(wanted):
        raise BadBodyError(f"[{{'type': 'missing', 'loc': ['{wanted}'], 'msg': 'Field required'}}]")
    if value.get("stream"):
        raise BadBodyError("the witness does not stream; leave out 'stream'")
    message = {"message": {"role": "assistant", "content": WORDS}} if chat else {"text": WORDS}
    answer: dict[str, Any] = {
        "id": "witness",
        "object": "chat.completion" if chat else "text_completion",
        "created": 0,
        "model": str(value.get("model") or ""),
        "choices": [{"index": 0, **message, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 8, "completion_tokens": 8, "total_tokens": 16},
    }
    return json_response(200, answer)


_remembered = lru_cache(maxsize=32)(_completed)
