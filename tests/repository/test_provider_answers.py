"""The page of providers' answers says what the conformance suite holds the providers to."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from support.answers import Answer
from support.conformance import Case
from support.conformance_apns import APNS_CASES
from support.conformance_expo import EXPO_CASES
from support.conformance_fcm import FCM_CASES
from support.conformance_sms import PLIVO_CASES, TWILIO_CASES, SmsCase
from support.conformance_sms_reports import PLIVO_REPORTS, TWILIO_REPORTS, ReportCase
from support.conformance_smtp import SMTP_CASES, SmtpCase

from gtr_jobs.domain.outcome import outcome_code

AnyCase = Case | SmsCase | ReportCase | SmtpCase

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "provider-answers.md"
HEAD = """# What providers answer, and what becomes of it

Every row is a case of the conformance suite (`tests/support/conformance_*.py`): a push or a message, the answer, and how the attempt ends.
`python -m repository.test_provider_answers` in `tests/` writes this page; a test fails when it says something else.
What outcomes mean: `gtr_jobs/domain/outcome.py`. Accidents of the wire (resets, goodbyes, silence) are the same for all
providers: unprocessed for certain is `retry`, anything after the first byte is `ambiguous`. An e-mail is in doubt only after its
final dot; text messages and e-mails are never sent again while in doubt.
"""
TITLES: tuple[tuple[str, Sequence[AnyCase]], ...] = (
    ("Firebase Cloud Messaging", FCM_CASES),
    ("APNs", APNS_CASES),
    ("Expo", EXPO_CASES),
    ("Twilio", TWILIO_CASES),
    ("Twilio, of a text that did not arrive", TWILIO_REPORTS),
    ("Plivo", PLIVO_CASES),
    ("Plivo, of a text that did not arrive", PLIVO_REPORTS),
    ("SMTP", SMTP_CASES),
)


def _status(case: AnyCase) -> int | str:
    if isinstance(case, SmtpCase):
        return case.status
    if isinstance(case, ReportCase):
        return ""
    return case.action.status if isinstance(case.action, Answer) else ""


def _row(case: AnyCase) -> str:
    status = _status(case)
    pause: Any = getattr(case.outcome, "retry_after", None)
    seconds = "" if pause is None else f"{pause:g} s"
    code = outcome_code(case.outcome)
    shown = f"`{code}`" if code else ""
    return f"| {case.name or 'none'} | {status} | {case.outcome.name} | {shown} | {seconds} |"


def write_page() -> str:
    """Write the page from the cases."""
    parts = [HEAD]
    for title, cases in TITLES:
        rows = "\n".join(_row(case) for case in cases)
        parts.append(
            f"## {title}\n\n| case | {'SMTP' if title == 'SMTP' else 'HTTP'} | outcome | code | pause |\n| --- | --- | --- | --- | --- |\n{rows}\n"
        )
    return "\n".join(parts)


def test_the_page_of_answers_is_what_is_tested() -> None:
    """A row for each case, in the suite's order, and no other."""
    assert PAGE.read_text() == write_page()


def test_no_two_cases_share_a_name() -> None:
    """Or one of them would not be told from the other."""
    for _, cases in TITLES:
        names = [case.name for case in cases]
        assert len(names) == len(set(names))


if __name__ == "__main__":
    PAGE.write_text(write_page())
