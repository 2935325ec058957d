"""What a device token is, told by its shape."""

from __future__ import annotations

from typing import get_args

import pytest
from support.token_examples import TOKEN_EXAMPLES

from gtr_jobs.domain.tokens import TokenKind, TokenShape, classify_token, tell_shape


@pytest.mark.parametrize("example", TOKEN_EXAMPLES)
def test_a_tokens_shape_says_what_it_is(example: str) -> None:
    """Or that it is none."""
    token, shape = TOKEN_EXAMPLES[example]
    assert tell_shape(token) == shape


def test_the_examples_have_every_shape() -> None:
    """A shape that no example has would be held to nothing."""
    assert {shape for _, shape in TOKEN_EXAMPLES.values()} == {*get_args(TokenShape), None}


def test_every_shape_has_its_provider() -> None:
    """FCM takes two shapes, and what is no token is nobody's."""
    providers = {shape: classify_token(token) for token, shape in TOKEN_EXAMPLES.values()}
    assert providers == {
        "fcm_token": "fcm",
        "fcm_fid": "fcm",
        "apns": "apns",
        "expo": "expo",
        None: None,
    }
    assert set(providers.values()) - {None} == set(get_args(TokenKind))
