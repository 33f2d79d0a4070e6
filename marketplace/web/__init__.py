"""The pages: HTML for people, one blueprint per role.

Who calls whom: `app.build_app` puts everything together. A request passes `security` (host, origin, token of the
form), then `access` (who is this, may they come here), then one view of `public`, `account`, `patient`, `broker`,
`provider` or `commissioner`. A view is thin: it reads through `queries`, or checks a form (`forms`, by the schemas of
`marketplace.schemas`) and takes one step of `marketplace.journey` inside one transaction (`database.writing`).
`errors` turns what went wrong into a page that says what to do; `filters` and `nhsuk` give the templates their words
and components.
"""
