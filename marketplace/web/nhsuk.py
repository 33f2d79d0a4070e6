"""The design system's components as template globals: ``nhs_input``, ``nhs_button``, ``nhs_error_summary`` ...

The vendor's macros rely on undefined values being quietly empty; our own templates must not. So the macros live in an
environment of their own, and only the finished macros cross into ours. Their ``html`` keys are put out unescaped: our
templates fill them with captured markup, never with a value.
"""

from collections.abc import Mapping
from functools import cache

from flask import Flask
from jinja2 import ChainableUndefined, Environment, PackageLoader

COMPONENTS = {
    "nhs_back_link": ("back-link", "backLink"),
    "nhs_breadcrumb": ("breadcrumb", "breadcrumb"),
    "nhs_button": ("button", "button"),
    "nhs_card": ("card", "card"),
    "nhs_checkboxes": ("checkboxes", "checkboxes"),
    "nhs_date_input": ("date-input", "dateInput"),
    "nhs_details": ("details", "details"),
    "nhs_error_message": ("error-message", "errorMessage"),
    "nhs_error_summary": ("error-summary", "errorSummary"),
    "nhs_fieldset": ("fieldset", "fieldset"),
    "nhs_file_upload": ("file-upload", "fileUpload"),
    "nhs_input": ("input", "input"),
    "nhs_inset_text": ("inset-text", "insetText"),
    "nhs_notification_banner": ("notification-banner", "notificationBanner"),
    "nhs_pagination": ("pagination", "pagination"),
    "nhs_panel": ("panel", "panel"),
    "nhs_password_input": ("password-input", "passwordInput"),
    "nhs_radios": ("radios", "radios"),
    "nhs_select": ("select", "select"),
    "nhs_skip_link": ("skip-link", "skipLink"),
    "nhs_summary_list": ("summary-list", "summaryList"),
    "nhs_tag": ("tag", "tag"),
    "nhs_task_list": ("task-list", "taskList"),
    "nhs_textarea": ("textarea", "textarea"),
    "nhs_warning_callout": ("warning-callout", "warningCallout"),
}


def init_app(app: Flask) -> None:
    """Hand the vendor's macros to this application's templates."""
    app.jinja_env.globals.update(_macros())


@cache
def _macros() -> Mapping[str, object]:
    """The vendor's macros, compiled once for all applications: they hold nothing of any."""
    environment = Environment(
        loader=PackageLoader("nhsuk_frontend_jinja"),
        undefined=ChainableUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    modules = {
        folder: environment.get_template(f"nhsuk/components/{folder}/macro.jinja").module
        for folder, _ in COMPONENTS.values()
    }
    return {name: getattr(modules[folder], macro) for name, (folder, macro) in COMPONENTS.items()}
