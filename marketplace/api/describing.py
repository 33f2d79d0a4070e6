"""The OpenAPI document: made of the same schemas that read and answer, with what holds for every operation added.

flask-smorest writes down what each view says of itself; added are who may come, which headers are wanted, and which
problems may come back. The site's page about the API is rendered from the same document.
"""

from collections import defaultdict
from collections.abc import Iterator
from inspect import cleandoc
from typing import Any

from flask import Flask, current_app, json, jsonify
from flask.typing import ResponseReturnValue
from flask_smorest import Api
from marshmallow import Schema, fields
from werkzeug.routing import Rule

from marketplace.rules.permissions import Role
from marketplace.schemas.fields import LONGEST_KM, Kilometres, Pounds, Words

from .access import ACTING_FOR, ACTING_FOR_PATTERN, SAFE, Access, access_of, public
from .problems import MEDIA_TYPE
from .repeating import KEY, KEY_PATTERN

_DOCUMENT = "carepool.document"
ABOUT = (
    "Other programs' way into Carepool. An account holder makes a token on the page Connect a program and the "
    "program sends it with every request. Money is whole pence, moments are UTC, days are London's, ids are opaque."
)
UNITS = {"_pence": "pence", "_m": "metres"}
PROBLEMS = {
    400: "The request cannot be read.",
    401: "There is no token that holds.",
    403: "This account, token or authority may not do this.",
    404: "There is no such thing, or none that this account may know of.",
    409: "That cannot be done now, or the key was used for another request.",
    413: "The body is too large.",
    415: "The body is not application/json.",
    422: "A value does not fit, or breaks a rule.",
    429: "There were too many requests.",
}


def name_of(schema: type[Schema] | Schema | str) -> str:
    """What a schema is called in the document: what is sent is a body, what is answered bears the thing's name."""
    kind = schema if isinstance(schema, type) else type(schema)
    return kind.__name__.replace("Schema", "Body").removesuffix("Shape")


def init_api(api: Api) -> None:
    """Say what our own fields are in JSON."""
    api.register_field(Pounds, "integer", None)
    api.register_field(Kilometres, "integer", None)
    api.spec.options["servers"] = [{"url": "/api"}]
    api.spec.options["info"] = {"description": ABOUT}
    api.ma_plugin.converter.add_attribute_function(_bounds)
    api.spec.components.security_scheme("token", {"type": "http", "scheme": "bearer"})


def init_app(app: Flask, api: Api) -> None:
    """Serve the document, made once."""
    app.add_url_rule("/v1/openapi.json", "openapi", public(openapi))
    document = _complete(app, api.spec.to_dict())
    for key, name in api.ma_plugin.converter.refs.items():
        if name in document["components"]["schemas"]:
            _tell(document["components"]["schemas"][name], cleandoc(key[0].__doc__ or ""))
    app.extensions[_DOCUMENT] = document


def document_of(app: Flask) -> dict[str, Any]:
    """The document of this API."""
    document: dict[str, Any] = app.extensions[_DOCUMENT]
    return document


def openapi() -> ResponseReturnValue:
    """The OpenAPI document of this API."""
    return jsonify(document_of(current_app))


def _bounds(_converter: object, field: fields.Field[Any], **_: Any) -> dict[str, Any]:
    """The bounds of our own fields that marshmallow's validators do not tell."""
    if isinstance(field, Words):
        return {"maxLength": field.longest} | ({"minLength": 1} if field.required else {})
    if isinstance(field, Kilometres):
        return {"minimum": 1000, "maximum": LONGEST_KM * 1000, "multipleOf": 1000}
    return {}


def _complete(app: Flask, document: dict[str, Any]) -> dict[str, Any]:
    document = _without_form(json.loads(json.dumps(document)))
    for unused in ("PaginationMetadata", "PaginationMetadataBody"):  # flask-smorest's own, which no answer of ours has
        document["components"]["schemas"].pop(unused, None)
    document["components"].pop("headers", None)
    for schema in document["components"]["schemas"].values():
        schema["additionalProperties"] = False
    document["components"]["schemas"]["Problem"]["additionalProperties"] = True
    for rule, method, operation in _operations(app, document):
        access = access_of(app.view_functions[rule.endpoint])
        if access is None:
            raise LookupError(f"{rule.endpoint} does not say who may come")
        _describe(rule, method, operation, access)
    return document


def _tell(schema: dict[str, Any], told: str) -> None:
    """Say what a document is, and in which unit its numbers are."""
    schema["description"] = " ".join(told.partition("\n\n")[0].split())
    for name, about in schema.get("properties", {}).items():
        unit = next((words for ending, words in UNITS.items() if name.endswith(ending)), None)
        if unit is not None and unit not in about.get("description", ""):
            about["description"] = f"{about.get('description', '').rstrip('.')}. In {unit}.".removeprefix(". ")


def _without_form(part: Any) -> Any:
    """The document without what only a form needs: prefixes and widths, "(optional)", and a default of no text."""
    if isinstance(part, list):
        return [_without_form(item) for item in part]
    if not isinstance(part, dict):
        return part
    found = {name: _without_form(item) for name, item in part.items() if not name.startswith("x-")}
    if isinstance(found.get("title"), str):
        found["title"] = found["title"].removesuffix(" (optional)")
    if found.get("default") == "":
        del found["default"]
    return found


def _operations(app: Flask, document: dict[str, Any]) -> Iterator[tuple[Rule, str, dict[str, Any]]]:
    """Every operation of the document, with its rule."""
    by_path: dict[str, list[Rule]] = defaultdict(list)
    for rule in app.url_map.iter_rules():
        by_path[rule.rule.replace("<id:", "{").replace(">", "}")].append(rule)
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if method in {"get", "post", "put"}:
                rule = next(rule for rule in by_path[path] if method.upper() in (rule.methods or ()))
                yield rule, method.upper(), operation


def _describe(rule: Rule, method: str, operation: dict[str, Any], access: Access) -> None:
    parameters = operation.setdefault("parameters", [])
    statuses = [400, 404, 429]
    operation["operationId"] = rule.endpoint.replace(".", "_")
    if access.roles:
        statuses += [401, 403]
        operation["security"] = [{"token": []}]
        operation["x-who"] = sorted(role.value for role in access.roles)
    if Role.PATIENT in access.roles:
        told = "For which patient a representative acts: the patient's id."
        parameters.append(_header(ACTING_FOR, told, ACTING_FOR_PATTERN, required=False))
        if Role.REPRESENTATIVE not in access.roles:
            operation["x-who"].append("representative")
    if method not in SAFE:
        statuses += [409, 413, 415, 422]
    if method == "POST":
        told = "A new one for each new request; the same request may be sent again under it, and is taken once."
        parameters.append(_header(KEY, told, KEY_PATTERN, required=True))
    if any(parameter.get("in") == "query" for parameter in parameters):
        statuses.append(422)
    for status in sorted(set(statuses)):
        content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
        operation["responses"][str(status)] = {"description": PROBLEMS[status], "content": content}


def _header(name: str, told: str, pattern: str, *, required: bool) -> dict[str, Any]:
    schema = {"type": "string", "pattern": pattern}
    return {"name": name, "in": "header", "required": required, "description": told, "schema": schema}
