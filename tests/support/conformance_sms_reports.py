"""Twilio and Plivo: what the codes mean of texts that were taken and did not arrive."""

from __future__ import annotations

from dataclasses import dataclass

from support.conformance_sms import PLIVO_COUNTRY, SmsProviderName

from gtr_jobs.domain.outcome import DeadTarget, Misconfigured, Outcome, Rejected, Retry, Throttled


@dataclass(frozen=True, slots=True)
class ReportCase:
    """The code of a message that was taken and did not arrive, and what it means.

    Args:
        provider: Whose code.
        name: The code.
        outcome: What it means.
    """

    provider: SmsProviderName
    name: str
    outcome: Outcome

    def __str__(self) -> str:
        return f"{self.provider}-{self.name or 'none'}"


TWILIO_REPORTS: tuple[ReportCase, ...] = tuple(
    ReportCase("twilio", name, outcome)
    for name, outcome in (
        ("30001", Retry("30001", 3600.0)),
        ("30002", Misconfigured("30002", "the account is suspended")),
        ("30003", Retry("30003", 14_400.0)),
        ("30004", Rejected("30004", "blocked")),
        ("30005", Rejected("30005", "unknown handset")),
        ("30006", DeadTarget("30006", "landline")),
        ("30007", Rejected("30007", "filtered by a carrier")),
        ("30008", Retry("30008", 60.0)),
        ("30022", Throttled("30022", 60.0)),
        ("30034", Misconfigured("30034", "register the sender for 10DLC")),
        ("21610", DeadTarget("21610", "unsubscribed")),
        ("39999", Rejected("39999")),
        ("", Rejected("undelivered")),
        ("30003; drop", Rejected("undelivered")),
    )
)

PLIVO_REPORTS: tuple[ReportCase, ...] = tuple(
    ReportCase("plivo", name, outcome)
    for name, outcome in (
        ("10", Rejected("10", "refused by a carrier")),
        ("20", Retry("20", 60.0)),
        ("30", Rejected("30", "taken for spam")),
        ("40", Misconfigured("40", "see GTR_PLIVO_FROM")),
        ("50", DeadTarget("50", "invalid")),
        ("60", Retry("60", 3600.0)),
        ("70", Rejected("70", "filtered")),
        ("80", Retry("80", 3600.0)),
        ("90", Rejected("90", "blocked by a carrier")),
        ("100", Misconfigured("100", "the account has no credit")),
        ("110", Rejected("110", "the text is not allowed")),
        ("120", Misconfigured("120", "see GTR_PLIVO_FROM")),
        ("160", Retry("160", 3600.0)),
        ("200", DeadTarget("200", "unsubscribed")),
        ("210", Rejected("210", "the sender is blocked")),
        ("420", Rejected("420", "it waited too long in Plivo's queue")),
        ("450", Misconfigured("450", PLIVO_COUNTRY, "country")),
        ("1000", Retry("1000")),
        ("999", Rejected("999")),
        ("", Rejected("undelivered")),
        ("50; drop", Rejected("undelivered")),
    )
)
