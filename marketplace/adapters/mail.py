"""E-mail: the server that takes letters over, by SMTP.

`MailServer.connected` opens one conversation; in it `send` hands over one letter at a time. What the server answers
never travels further than as a code: its texts repeat addresses.
"""

import smtplib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime

TIMEOUT_S = 20.0


class NotSent(Exception):
    """The server did not take a letter over, or there was no server. `code` is a name or an SMTP status."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class NoServer(NotSent):
    """The conversation itself failed: further letters would fare no better now."""


@dataclass(frozen=True, slots=True)
class Letter:
    """One e-mail to one address. `key` is the same when the same letter is sent again, so that it can be told."""

    to: str
    subject: str
    text: str
    key: str
    at: datetime


Send = Callable[[Letter], None]


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where letters are handed over, under which address they go out, and the site they link to."""

    host: str
    port: int
    sender: str
    base_url: str
    starttls: bool = False
    user: str = ""
    password: str = ""

    @classmethod
    def from_settings(cls, settings: Mapping[str, object]) -> "MailServer | None":
        """The server that the settings name; None when they name none.

        Raises
        ------
        ValueError
            If they name a server, but no sender or no address of the site.
        """
        host, sender, base_url = (str(settings[name]) for name in ("MAIL_HOST", "MAIL_FROM", "BASE_URL"))
        if not host:
            return None
        if not sender or not base_url:
            raise ValueError("CAREPOOL_MAIL_HOST is set, so CAREPOOL_MAIL_FROM and CAREPOOL_BASE_URL must be set too.")
        return cls(
            host=host,
            port=int(str(settings["MAIL_PORT"])),
            sender=sender,
            base_url=base_url.rstrip("/"),
            starttls=bool(settings["MAIL_STARTTLS"]),
            user=str(settings["MAIL_USER"]),
            password=str(settings["MAIL_PASSWORD"]),
        )

    @contextmanager
    def connected(self) -> Iterator[Send]:
        """One conversation with the server.

        Raises
        ------
        NoServer
            If it cannot be reached, or refuses us.
        """
        try:
            server = smtplib.SMTP(self.host, self.port, timeout=TIMEOUT_S)
        except (OSError, smtplib.SMTPException) as error:
            raise NoServer(type(error).__name__) from None
        with server:
            try:
                if self.starttls:
                    server.starttls()
                if self.user:
                    server.login(self.user, self.password)
            except (OSError, smtplib.SMTPException) as error:
                raise NoServer(type(error).__name__) from None
            yield lambda letter: self._send(server, letter)

    def _send(self, server: smtplib.SMTP, letter: Letter) -> None:
        try:
            server.send_message(self.message(letter), from_addr=self.sender, to_addrs=[letter.to])
        except smtplib.SMTPRecipientsRefused as error:
            raise NotSent(str(next(iter(error.recipients.values()))[0])) from None
        except (smtplib.SMTPSenderRefused, smtplib.SMTPDataError) as error:
            raise NotSent(str(error.smtp_code)) from None
        except (OSError, smtplib.SMTPException) as error:
            raise NoServer(type(error).__name__) from None

    def message(self, letter: Letter) -> EmailMessage:
        """The letter as it goes out."""
        message = EmailMessage()
        message["From"] = self.sender
        message["To"] = letter.to
        message["Subject"] = letter.subject
        message["Date"] = format_datetime(letter.at)
        message["Message-ID"] = f"<{letter.key}@{self.sender.rpartition('@')[2].strip('> ')}>"
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(letter.text)
        return message
