"""Puts the pages together: `build_app` is the only caller of every `init_app` here."""

from collections.abc import Mapping

from flask import Flask
from jinja2 import StrictUndefined

from marketplace.adapters.logs import hide_numbers_in_logs

from . import (
    access,
    account,
    admitting,
    allocating,
    auditing,
    broker,
    broker_fees,
    cataloguing,
    claim_words,
    commissioner,
    compressing,
    database,
    deciding,
    easy_read,
    ending,
    errors,
    filters,
    funding,
    handing_over,
    holder,
    leaving,
    navigation,
    nhsuk,
    oversight,
    paper,
    passwords,
    patient,
    paying,
    payments,
    people,
    programs,
    proofs,
    provider,
    public,
    representing,
    second_steps,
    security,
    settings,
    support_words,
    supporting,
    tender_words,
    trail,
    users,
)


def build_app(told: Mapping[str, object]) -> Flask:
    """The Flask application for these settings (names as in ``config/default.toml``)."""
    hide_numbers_in_logs()
    app = Flask("marketplace.web")
    app.config.update(told)
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
    database.init_app(app)
    filters.init_app(app)
    claim_words.init_app(app)
    tender_words.init_app(app)
    support_words.init_app(app)
    nhsuk.init_app(app)
    navigation.init_app(app)
    security.init_app(app)
    settings.init_app(app)
    errors.init_app(app)
    compressing.init_app(app)
    app.before_request(access.check_access)
    access.public(app.view_functions["static"])
    for pages in (
        public.pages,
        account.pages,
        passwords.pages,
        second_steps.pages,
        patient.pages,
        easy_read.pages,
        paper.pages,
        proofs.pages,
        broker.pages,
        provider.pages,
        commissioner.pages,
        holder.pages,
        funding.pages,
        handing_over.pages,
        broker_fees.pages,
        leaving.pages,
        oversight.pages,
        paying.pages,
        ending.pages,
        deciding.pages,
        auditing.pages,
        representing.pages,
        people.pages,
        payments.pages,
        trail.pages,
        allocating.pages,
        supporting.pages,
        cataloguing.pages,
        admitting.pages,
        users.pages,
        programs.pages,
    ):
        app.register_blueprint(pages)
    security.limit_guesses(app, "account.sign_in", "passwords.choose", "passwords.forgotten", "passwords.account")
    security.limit_guesses(app, *(f"second_steps.{name}" for name in second_steps.GUESSED_AT))
    return app
