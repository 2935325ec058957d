"""A mail server: its answers at every step and what they mean for an e-mail."""

from __future__ import annotations

from dataclasses import dataclass

from gtr_jobs.dev.standins import Fail
from gtr_jobs.dev.standins.smtp_connection import Step
from gtr_jobs.domain.outcome import DeadTarget, Misconfigured, Outcome, Rejected, Retry, Throttled


@dataclass(frozen=True, slots=True)
class SmtpCase:
    """An answer and what it means.

    Args:
        step: What is answered.
        status: The answer's three digits.
        reason: Its enhanced status code, or its words.
        outcome: What it means for one message.
    """

    step: Step
    status: int
    reason: str
    outcome: Outcome

    @property
    def name(self) -> str:
        """What the test is called."""
        return f"{self.step}-{self.status}-{self.reason.replace(' ', '-')}"

    @property
    def failure(self) -> Fail:
        """The answer as a script has it."""
        return Fail(self.status, self.reason)

    def __str__(self) -> str:
        return self.name


LOGIN = "see GTR_SMTP_USERNAME and GTR_SMTP_PASSWORD"
SENDER = "see GTR_SMTP_FROM"
SERVER = "see GTR_SMTP_HOST and GTR_SMTP_PORT"

SMTP_CASES: tuple[SmtpCase, ...] = (
    SmtpCase("connect", 421, "4.3.2", Retry("4.3.2")),
    SmtpCase("connect", 421, "4.7.0", Throttled("4.7.0", 60.0)),
    SmtpCase("connect", 554, "5.7.1", Misconfigured("5.7.1", SERVER)),
    SmtpCase("connect", 554, "no service here", Misconfigured("554", SERVER)),
    SmtpCase("login", 535, "5.7.8", Misconfigured("5.7.8", LOGIN)),
    SmtpCase("login", 535, "wrong", Misconfigured("535", LOGIN)),
    SmtpCase("login", 454, "4.7.0", Throttled("4.7.0", 60.0)),
    SmtpCase("login", 534, "5.7.9", Misconfigured("5.7.9", LOGIN)),
    SmtpCase("sender", 421, "4.3.2", Retry("4.3.2")),
    SmtpCase("sender", 451, "4.3.0", Retry("4.3.0")),
    SmtpCase("sender", 452, "4.3.1", Retry("4.3.1")),
    SmtpCase("sender", 450, "4.7.1", Throttled("4.7.1", 60.0)),
    SmtpCase("sender", 530, "5.7.0", Misconfigured("5.7.0", LOGIN)),
    SmtpCase("sender", 550, "5.7.1", Misconfigured("5.7.1", SENDER)),
    SmtpCase("sender", 553, "5.1.8", Misconfigured("5.1.8", SENDER)),
    SmtpCase("sender", 552, "5.3.4", Rejected("5.3.4")),
    SmtpCase("recipient", 450, "4.2.1", Retry("4.2.1")),
    SmtpCase("recipient", 450, "4.7.1", Retry("4.7.1")),
    SmtpCase("recipient", 451, "later", Retry("451")),
    SmtpCase("recipient", 452, "4.2.2", Retry("4.2.2")),
    SmtpCase("recipient", 550, "5.1.1", DeadTarget("5.1.1", "invalid")),
    SmtpCase("recipient", 550, "5.1.2", DeadTarget("5.1.2", "invalid")),
    SmtpCase("recipient", 553, "5.1.3", DeadTarget("5.1.3", "invalid")),
    SmtpCase("recipient", 551, "5.1.6", DeadTarget("5.1.6", "invalid")),
    SmtpCase("recipient", 556, "5.1.10", DeadTarget("5.1.10", "invalid")),
    SmtpCase("recipient", 550, "5.2.1", DeadTarget("5.2.1", "invalid")),
    SmtpCase("recipient", 552, "5.2.2", Rejected("5.2.2")),
    SmtpCase("recipient", 550, "5.7.1", Rejected("5.7.1")),
    SmtpCase("recipient", 554, "5.7.1", Rejected("5.7.1")),
    SmtpCase("recipient", 550, "no such user", Rejected("550")),
    SmtpCase("recipient", 550, "4.1.1", Rejected("550")),
    SmtpCase("recipient", 550, "5.1.1ada", Rejected("550")),
    SmtpCase("data", 451, "4.3.0", Retry("4.3.0")),
    SmtpCase("data", 554, "5.5.1", Rejected("5.5.1")),
    SmtpCase("content", 451, "4.3.0", Retry("4.3.0")),
    SmtpCase("content", 421, "4.3.2", Retry("4.3.2")),
    SmtpCase("content", 450, "4.7.1", Retry("4.7.1")),
    SmtpCase("content", 552, "5.3.4", Rejected("5.3.4")),
    SmtpCase("content", 554, "5.7.1", Rejected("5.7.1")),
    SmtpCase("content", 550, "5.1.1", Rejected("5.1.1")),
    SmtpCase("content", 554, "spam", Rejected("554")),
)
