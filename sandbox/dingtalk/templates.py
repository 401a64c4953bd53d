"""Card templates: create, save the exported design, publish."""

from __future__ import annotations

import json

from sandbox.dingtalk.objects import Json, Refusal
from sandbox.dingtalk.state import State


def create(state: State, asked: Json) -> Json:
    # POST /v1.0/card/templates.
    template = state.number("template") + ".schema"
    state.templates[template] = {"name": asked.get("name"), "source": "", "published": False}
    return {"success": True, "data": {"templateId": template}}


def save(state: State, asked: Json) -> Json:
    # POST /v1.0/card/templates/save: the design must be what the card platform exports.
    template, source = _template(state, asked), asked.get("templateSource")
    if template["published"]:
        raise Refusal("template.locked")
    try:
        design = json.loads(source or "")
    except ValueError:
        raise Refusal("param.templateSourceInvalid") from None
    if not {"editorData", "widgetInfo", "type", "mode"} <= design.keys():
        raise Refusal("param.templateSourceInvalid")
    template["source"] = source
    return {"success": True, "data": {}}


def publish(state: State, asked: Json) -> Json:
    # POST /v1.0/card/templates/publish.
    template = _template(state, asked)
    if not template["source"]:
        raise Refusal("template.empty")
    template["published"] = True
    return {"success": True, "data": {}}


def _template(state: State, asked: Json) -> Json:
    found = state.templates.get(asked.get("templateId") or "")
    if found is None:
        raise Refusal("param.templateIdInvalid")
    return found
