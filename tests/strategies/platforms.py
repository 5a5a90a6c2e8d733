"""How each platform turns a sample's source into the message it sends: the literal template, filled in as there."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

SAMPLES = Path(__file__).resolve().parents[2] / "strategies"
Values = Mapping[str, Any]


def tradingview(template: str, values: Values) -> str:
    """The Message box's braces, or the script's own `str.replace_all`."""
    folder = SAMPLES / "tradingview"
    if template.endswith(".json"):
        return filled((folder / template).read_text().rstrip("\n"), "{{%s}}", values)
    source = (folder / "indicator.pine").read_text()
    literal = found(rf"^string {template} = '([^']*)'$", source)
    only_what_is_replaced(source, r'str\.replace_all\(\w+, "<(\w+)>"', values)
    return filled(literal, "<%s>", values)


def amibroker(template: str, values: Values) -> str:
    """An AFL literal and `StrReplace`."""
    source = (SAMPLES / "amibroker" / "bridge.afl").read_text()
    only_what_is_replaced(source, r'StrReplace\(\w+, "<(\w+)>"', values)
    return filled(c_string(found(rf'^{template}\s*= (".*");$', source)), "<%s>", values)


def metatrader5(template: str, values: Values) -> str:
    """An MQL5 literal and `StringReplace`."""
    source = (SAMPLES / "metatrader5" / "BridgeSender.mq5").read_text()
    only_what_is_replaced(source, r'StringReplace\(\w+, "<(\w+)>"', values)
    return filled(c_string(found(rf'^const string {template}\s*= (".*");$', source)), "<%s>", values)


def excel_vba(template: str, values: Values) -> str:
    """A VBA literal, quotes doubled, and `Replace`."""
    source = (SAMPLES / "excel-vba" / "Bridge.bas").read_text()
    only_what_is_replaced(source, r'Replace\(\w+, "<(\w+)>"', values)
    literal = found(rf'^Private Const {template} As String = "(.*)"$', source).replace('""', '"')
    return filled(literal, "<%s>", values)


def google_sheets(template: str, values: Values) -> str:
    """An object literal through `JSON.stringify`, which writes no blanks."""
    members = found(r"JSON\.stringify\(\{(.*)\}\)", (SAMPLES / "google-sheets" / "bridge.gs").read_text())
    pairs = re.findall(rf"(\w+): {template}\.(\w+)", members)
    return compact({name: values[column] for name, column in pairs})


def excel_power_query(template: str, values: Values) -> str:
    """A record through `Json.FromValue`."""
    source = (SAMPLES / "excel-power-query" / "SendOrder.pq").read_text()
    record = found(rf"{template} = Json\.FromValue\(\[(.*?)\]\)", source)
    return compact({name: values[parameter] for name, parameter in re.findall(r"(\w+) = (\w+)", record)})


BUILDERS: dict[str, Callable[[str, Values], str]] = {
    "tradingview": tradingview,
    "amibroker": amibroker,
    "metatrader5": metatrader5,
    "excel-vba": excel_vba,
    "google-sheets": google_sheets,
    "excel-power-query": excel_power_query,
}


def found(pattern: str, source: str) -> str:
    """The one place of the source that says it."""
    matches = re.findall(pattern, source, flags=re.MULTILINE | re.DOTALL if "*?" in pattern else re.MULTILINE)
    assert len(matches) == 1, f"{pattern} stands {len(matches)} times in the sample"
    return str(matches[0])


def filled(template: str, mark: str, values: Values) -> str:
    """The template with every mark replaced; a mark without a value stays and makes the comparison fail."""
    for name, value in values.items():
        template = template.replace(mark % name, str(value))
    return template


def only_what_is_replaced(source: str, pattern: str, values: Values) -> None:
    """The sample itself replaces every mark that the test is about to replace."""
    assert values.keys() <= set(re.findall(pattern, source))


def c_string(literal: str) -> str:
    """A literal with backslash escapes, as AFL and MQL5 write them; JSON's are the same."""
    return str(json.loads(literal))


def compact(record: Mapping[str, Any]) -> str:
    """JSON without blanks."""
    return json.dumps(record, separators=(",", ":"), ensure_ascii=False)
