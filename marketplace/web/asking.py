"""The shape of most of the small pages: a form that is asked for, one step, and the way back.

`ask` shows the form; when it is sent and sound it takes the step in one transaction and goes back with a word of what
was done. What a rule refuses is told at the field it names, with everything that was typed still there; what may not
be known of, or is no longer possible, is told by `errors`.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any

from flask import flash, redirect, render_template
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from marketplace.rules.errors import DomainError, Invalid

from .database import db_session, writing
from .forms import WHOLE_FORM, WebForm, sent

Answer = str | Response | tuple[str, int]
Step = Callable[[Session, Any], object]


def ask(
    template: str,
    form: WebForm,
    step: Step,
    *,
    back: str,
    done: str | Callable[[Any], str],
    places: Mapping[str, str] | None = None,
    told_here: Collection[str] = (),
    prepare: Callable[[dict[str, Any]], object] | None = None,
    **shown: Any,
) -> Answer:
    """One page with one form for one step.

    Parameters
    ----------
    template
        Gets ``form``, ``back`` and whatever else is `shown`.
    step
        Takes the session and the form's data.
    back, done
        Where to go when it is done, and what to say there, or what makes these words of what the step returned.
    places
        The form's names for the rules' places, where they differ.
    told_here
        Codes of refusals, other than of a value, that are told above the form.
    prepare
        What is slow is done here, before the transaction begins: it makes of the form's data what `step` takes.
    """
    if sent() is None:
        return render_template(template, form=form, back=back, **shown)
    if form.validate():
        try:
            data = prepare(form.data) if prepare else form.data
            with writing(db_session()) as session:
                result = step(session, data)
        except DomainError as error:
            _refuse(form, error, places or {}, told_here)
        else:
            flash(done if isinstance(done, str) else done(result), "done")
            return redirect(back)
    return render_template(template, form=form, back=back, **shown), 422


def _refuse(form: WebForm, error: DomainError, places: Mapping[str, str], told_here: Collection[str]) -> None:
    if error.code in told_here:
        form.refuse(WHOLE_FORM, error.message)
    elif isinstance(error, Invalid):
        place = places.get(error.place, error.place)
        form.refuse(place if place in form.schema.fields else WHOLE_FORM, error.message)
    else:
        raise error
