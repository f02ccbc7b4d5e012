"""Which rule is for a film, and what is no rule."""

from __future__ import annotations

from pathlib import Path

import pytest

from piggygan.errors import ConfigurationError
from piggygan.server.node.rules import Rule, Rules

GOOD = """
[[rule]]
called = "HEARTS"
task = "hearts"

[[rule]]
modality = "DX"
body_part = "CHEST"
task = "lungs"
largest = 2
fill_holes = true

[[rule]]
body_part = "HAND"
ignore = true
"""


def test_rules_are_read_in_order(tmp_path: Path) -> None:
    (tmp_path / "rules.toml").write_text(GOOD)
    rules = Rules.of_file(tmp_path / "rules.toml")
    lungs = Rule("lungs", modality="DX", body_part="CHEST", largest=2, fill_holes=True)
    assert rules.rules == (Rule("hearts", called="HEARTS"), lungs, Rule(None, body_part="HAND"))
    assert rules.rule_for("HEARTS", "DX", "CHEST") == rules.rules[0]
    assert rules.rule_for("OTHER", "DX", "CHEST") == lungs
    assert rules.rule_for("OTHER", "CR", "CHEST") is None
    assert rules.titles("PIGGYGAN") == {"PIGGYGAN", "HEARTS"}
    assert [rule.task for rule in rules.tasks()] == ["hearts", "lungs"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "holds no rules"),
        ("rule = 3", "holds no rules"),
        ("rule = [3]", "no table"),
        ("[[rule]]\ntask = 'a'\n[other]", "holds no rules"),
        ("[[rule]]", "names a task, or says ignore"),
        ("[[rule]]\ntask = 'a'\nignore = true", "names a task, or says ignore"),
        ("[[rule]]\ntask = 'a'\nbodypart = 'CHEST'", "has 'bodypart'; there are"),
        ("[[rule]]\ntask = 3", "task is 3; needed is str"),
        ("[[rule]]\ntask = 'a'\nlargest = true", "largest is True; needed is int"),
        ("[[rule]]\ntask = 'a'\ncalled = 'a title that is too long'", "no AE title"),
        ("[[rule", "cannot be read"),
    ],
)
def test_what_is_no_rule_is_refused(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "rules.toml").write_text(text)
    with pytest.raises(ConfigurationError, match=said.replace("[", r"\[")):
        Rules.of_file(tmp_path / "rules.toml")


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        Rules.of_file(tmp_path / "nowhere.toml")
