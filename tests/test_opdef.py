"""Every registered operator against onnx's schemas, and registration itself."""

import inspect
import re

import onnx.defs
import pytest
from onnx import helper

from jitrt import opdef

OUR_PARAMETERS = {"output_count"}
LATEST = 10_000


def schemas(entry):
    """The schema versions that an entry serves, oldest first."""
    name = entry.domain, entry.name
    found = [s for s in onnx.defs.get_all_schemas_with_history() if (s.domain, s.name) == name]
    later = [
        o.since
        for o in opdef.operators()
        if (o.domain, o.name) == (entry.domain, entry.name) and o.since > entry.since
    ]
    end = min(later, default=LATEST)
    return sorted((s for s in found if entry.since <= s.since_version < end), key=lambda s: s.since_version)


def defaults(schema):
    """Attribute names with their defaults; `REQUIRED` for a required one, None for one without."""
    result = {}
    for name, attribute in schema.attributes.items():
        value = helper.get_attribute_value(attribute.default_value) if attribute.default_value.type else None
        if isinstance(value, bytes):
            value = value.decode()
        if isinstance(value, list):
            value = [v.decode() if isinstance(v, bytes) else v for v in value]
        result[name] = opdef.REQUIRED if attribute.required else value
    return result


FIRST = {}  # the oldest version that onnx.defs has of each operator
for schema in onnx.defs.get_all_schemas_with_history():
    key = schema.domain, schema.name
    FIRST[key] = min(schema.since_version, FIRST.get(key, LATEST))
STANDARD = [o for o in opdef.operators() if FIRST.get((o.domain, o.name), LATEST) <= o.since]
OTHERS = [o for o in opdef.operators() if o not in STANDARD and o.domain != "test.opdef"]
TRIAL = re.compile(r"https://github\.com/onnx/onnx/blob/v1\.[34]\.\d/docs/Operators\.md#(\w+)")
MICROSOFT = "https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#com.microsoft."


def name_of(entry):
    return f"{entry.domain}{entry.name}{entry.since}"


@pytest.mark.parametrize("entry", STANDARD, ids=name_of)
def test_versions_attributes_and_defaults(entry):
    served = schemas(entry)
    assert served, f"no version of {entry.name} is in force from {entry.since}"
    assert served[0].since_version == entry.since, "`since` is not a version of the operator"
    newest = defaults(served[-1])
    ours = {
        k: list(v) if isinstance(v, tuple) else v
        for k, v in entry.attributes.items()
        if k not in OUR_PARAMETERS
    }
    if not any(s.deprecated for s in served):
        assert ours == {k: pytest.approx(v) if isinstance(v, float) else v for k, v in newest.items()}
    for older in served[:-1]:
        for attribute, default in defaults(older).items():
            assert attribute in ours, f"{attribute} of version {older.since_version}"
            assert ours[attribute] == default or default is opdef.REQUIRED


@pytest.mark.parametrize("entry", STANDARD, ids=name_of)
def test_number_of_inputs(entry):
    parameters = inspect.signature(entry.scalar or entry.definition).parameters.values()
    positional = [p for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
    variadic = any(p.kind is p.VAR_POSITIONAL for p in parameters)
    schema = schemas(entry)[-1]
    last_is_variadic = bool(schema.inputs) and "Variadic" in str(schema.inputs[-1].option)
    assert variadic == last_is_variadic
    if not variadic:
        assert len(positional) == len(schema.inputs)


@pytest.mark.parametrize("entry", STANDARD, ids=name_of)
def test_documentation_names_the_spec(entry):
    text = inspect.getdoc(entry.scalar or entry.definition) or ""
    domain = entry.domain.replace(".", "")
    assert f"https://onnx.ai/onnx/operators/onnx_{domain}_{entry.name}.html" in text


@pytest.mark.parametrize("entry", OTHERS, ids=name_of)
def test_documentation_of_operators_without_schema_names_their_source(entry):
    assert entry.domain in ("", "com.microsoft", "jitrt")
    text = inspect.getdoc(entry.scalar or entry.definition) or ""
    on_trial = entry.domain == "" and entry.name in TRIAL.findall(text)
    assert on_trial or entry.domain == "jitrt" or MICROSOFT + entry.name in text


def test_a_second_registration_names_both_places():
    first = opdef.elementwise("OnlyForThisTest", since=1, domain="test.opdef")
    first(lambda x: x)
    with pytest.raises(
        ValueError, match=r"OnlyForThisTest since version 1 is defined twice: .*test_opdef.*test_opdef"
    ):
        opdef.elementwise("OnlyForThisTest", since=1, domain="test.opdef")(lambda x: x)


def test_lookup_takes_the_newest_version_that_the_model_may_use():
    assert opdef.lookup("", "Softmax", 12).since == 1
    assert opdef.lookup("", "Softmax", 13).since == 13
    assert opdef.lookup("", "Softmax", 24).since == 13
    assert opdef.lookup("", "Gelu", 19) is None
    assert opdef.lookup("", "NoSuchOperator", 24) is None
