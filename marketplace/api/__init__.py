"""The JSON API: other programs' way in, beside the pages, by the same scope queries, schemas and steps of the journey.

`app.build_api` makes a Flask application of its own for it, which the app factory hangs under ``/api``: so the pages
keep their cookies, form tokens and HTML errors, and the API has none of them. A request comes in through `access`
(whose token), is read by `reading` (strict JSON, strict types), answered by a view in `resources` with a schema of
`shapes`, and refused by `problems`. What changes something is taken once (`repeating`), however often it is sent.
`describing` makes the OpenAPI document of it all.
"""
