"""A push as each provider takes it, and that it always fits."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.pushes import NOW, make_message, make_push, make_token

from gtr_jobs.domain.payload import fit_body, fit_title
from gtr_jobs.domain.push import Message
from gtr_jobs.domain.tokens import TokenKind, tell_shape
from gtr_jobs.providers.apns_message import apns_headers, write_apns_body
from gtr_jobs.providers.expo_message import ExpoBody
from gtr_jobs.providers.fcm_message import FcmBody
from gtr_jobs.providers.once_per_message import OncePerMessage

# What a kind may add beside title and body.
IDS = st.text(alphabet=st.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=64)
LINKS = st.text(alphabet=st.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=400)
DATA = st.dictionaries(
    st.text(alphabet="abcdefghijklmnop_", min_size=1, max_size=20), IDS, max_size=5
)
# Signs that grow when they are written: quotes, other scripts, emoji, controls.
WORDS = st.text(max_size=600) | st.text(
    alphabet=st.sampled_from('"\\\n\x00\u2028é日😀👨‍👩‍👧'), max_size=600
)


def write(kind: TokenKind, message: Message, badge: int = 3) -> bytes:
    """Write a message for a device of a kind."""
    match kind:
        case "fcm":
            return FcmBody(message, badge, NOW).for_token(make_token("fcm"))
        case "apns":
            return write_apns_body(message, badge)
        case "expo":
            return ExpoBody(message, badge, NOW).for_token(make_token("expo"))


def test_fcm_gets_everything_a_phone_of_either_kind_needs() -> None:
    """Android's and Apple's names for the same: replace, group, badge, end, urgency."""
    assert json.loads(write("fcm", make_message())) == {
        "validate_only": False,
        "message": {
            "token": make_token("fcm"),
            "notification": {"title": "Rin Tanaka", "body": "Is the R34 still for sale?"},
            "data": {"kind": "new_message", "url": "gtr-marketplace://messages/42"},
            "android": {
                "priority": "HIGH",
                "ttl": "3600s",
                "notification": {
                    "tag": "message-7",
                    "channel_id": "default",
                    "sound": "default",
                    "notification_count": 3,
                },
            },
            "apns": {
                "headers": {
                    "apns-collapse-id": "message-7",
                    "apns-expiration": str(int((NOW + timedelta(hours=1)).timestamp())),
                    "apns-priority": "10",
                    "apns-push-type": "alert",
                },
                "payload": {
                    "aps": {"badge": 3, "sound": "default", "thread-id": "conversation-42"}
                },
            },
        },
    }


def test_an_installation_id_goes_where_fcm_wants_it() -> None:
    """A token of that shape is `message.fid`, any other `message.token`; the rest is the same text."""
    body = FcmBody(make_message(data={"token": "a word"}), 3, NOW)
    fid, token = "cAbDeFgHiJkLmNoPqRsT-_", make_token("fcm")
    assert tell_shape(fid) == "fcm_fid"
    by_id, by_token = json.loads(body.for_token(fid)), json.loads(body.for_token(token))
    assert by_id["message"].pop("fid") == fid
    assert by_token["message"].pop("token") == token
    assert by_id == by_token
    assert "token" not in by_id["message"]
    assert by_id["message"]["data"]["token"] == "a word"


def test_a_calm_message_is_calm_everywhere() -> None:
    """Normal urgency in every provider's words."""
    message = make_message(urgency="normal")
    fcm = json.loads(write("fcm", message))["message"]
    assert fcm["android"]["priority"] == "NORMAL"
    assert fcm["apns"]["headers"]["apns-priority"] == "5"
    assert json.loads(write("expo", message))["priority"] == "normal"
    assert ("apns-priority", "5") in apns_headers(make_push("apns", 0, message))


@pytest.mark.parametrize(
    ("lifetime", "seconds"),
    [
        (timedelta(seconds=0.2), 1),
        (timedelta(minutes=5), 300),
        (timedelta(days=400), 2_419_200),
        (timedelta(seconds=-5), 0),
    ],
)
def test_the_time_to_live_is_what_is_left_of_it(lifetime: timedelta, seconds: int) -> None:
    """Rounded up, and four weeks at most."""
    message = make_message(expires_at=NOW + lifetime)
    assert json.loads(write("fcm", message))["message"]["android"]["ttl"] == f"{seconds}s"
    assert json.loads(write("expo", message))["ttl"] == seconds


@pytest.mark.parametrize("kind", ["fcm", "apns", "expo"])
def test_a_kind_cannot_overwrite_what_is_ours(kind: TokenKind) -> None:
    """Its data stands beside the link and the provider's own keys, never in their place."""
    message = make_message(data={"url": "evil://", "aps": "x", "token": "x", "to": "x"})
    written: Any = json.loads(write(kind, message))
    match kind:
        case "fcm":
            assert written["message"]["data"]["url"] == message.url
            assert written["message"]["token"] == make_token("fcm")
        case "apns":
            assert written["url"] == message.url
            assert written["aps"]["badge"] == 3
        case "expo":
            assert written["data"]["url"] == message.url
            assert written["to"] == make_token("expo")


def test_a_text_that_looks_like_the_place_of_a_token_stays_a_text() -> None:
    """The token goes where it belongs, whatever the message says."""
    message = make_message(title='"token":"x"', body='","token":"y"}', data={"token": "z"})
    written = json.loads(write("fcm", message))["message"]
    assert written["token"] == make_token("fcm")
    assert written["notification"] == {"title": message.title, "body": message.body}
    assert written["data"]["token"] == "z"


def test_a_message_is_written_once_for_a_badge() -> None:
    """Devices of one recipient share what is written; another badge is another text."""
    message = make_message()
    written: list[int] = []

    def note(_: Message, badge: int) -> int:
        written.append(badge)
        return badge

    once = OncePerMessage(note)
    for number in range(5):
        assert once.get(make_push("fcm", number, message)) == 3
    assert written == [3]


@pytest.mark.parametrize("kind", ["fcm", "apns", "expo"])
@given(title=WORDS, body=WORDS, url=LINKS, thread=IDS, collapse=IDS, data=DATA)
def test_whatever_people_write_fits(
    kind: TokenKind,
    title: str,
    body: str,
    url: str,
    thread: str,
    collapse: str,
    data: dict[str, str],
) -> None:
    """A fitted title and body leave every provider's message under 4,096 bytes, and whole."""
    message = make_message(
        title=fit_title(title),
        body=fit_body(body),
        url=url,
        thread_id=thread,
        collapse_id=collapse,
        data=data,
    )
    written = write(kind, message)
    assert len(written) <= 4096
    assert json.dumps(message.body, ensure_ascii=False).encode() in written or not message.body
