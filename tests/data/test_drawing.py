"""Sides as they are given, or drawn."""

from __future__ import annotations

import pytest

from piggygan.data.drawing import Drawing, check_patients, given_sides, parse_shares, patients_in
from piggygan.errors import ConfigurationError, DatasetError

NAMES = [f"{number:02}" for number in range(20)]
SHARES = {"train": 0.7, "val": 0.1, "test": 0.2}


@pytest.mark.parametrize("text", ["0.7/0.1/0.2", "70/10/20", "0.7/.1/2e-1"])
def test_shares_are_read_in_either_unit(text: str) -> None:
    assert parse_shares(text) == pytest.approx(SHARES)


@pytest.mark.parametrize(
    "text", ["", "1", "0.5/0.5", "0.8/0/0.2", "0/0.5/0.5", "0.7/0.1/0.3", "-0.1/0.9/0.2", "a/b/c", "nan/1/0"]
)
def test_what_are_no_shares_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match="split is"):
        parse_shares(text)


def test_every_name_is_on_one_side_and_the_seed_alone_decides_which() -> None:
    first, how = Drawing(SHARES).sides(NAMES, {})
    assert (how, sorted(name for names in first.values() for name in names)) == ("by name", NAMES)
    assert [len(names) for names in first.values()] == [14, 2, 4]
    assert Drawing(SHARES).sides(NAMES[::-1], {})[0] == first
    assert Drawing(SHARES, seed=1).sides(NAMES, {})[0] != first


def test_without_a_share_of_test_there_is_no_such_side() -> None:
    assert Drawing(parse_shares("0.9/0.1/0")).sides(NAMES, {})[0].keys() == {"train", "val"}


def test_a_validation_side_has_its_share_of_both() -> None:
    drawn, _ = Drawing(SHARES).validation(NAMES[:16], {})
    assert [len(names) for names in drawn.values()] == [14, 2]


def test_patients_stay_together_where_all_are_known() -> None:
    patients = {name: name[0] for name in NAMES}
    drawn, how = Drawing({"train": 0.5, "val": 0.5, "test": 0.0}).sides(NAMES, patients)
    assert how == "by patient"
    assert [{name[0] for name in names} for names in drawn.values()] in ([{"0"}, {"1"}], [{"1"}, {"0"}])
    assert Drawing(SHARES).sides(NAMES, dict(list(patients.items())[:-1]))[1] == "by name"
    with pytest.raises(DatasetError, match="1 of 20 files are of unknown patients, such as '19'"):
        Drawing(SHARES, "patient").sides(NAMES, dict(list(patients.items())[:-1]))


def test_a_regular_expression_finds_the_patient() -> None:
    drawn, _ = Drawing({"train": 0.5, "val": 0.5, "test": 0.0}, r"^(\d)").sides(NAMES, {})
    assert all(len({name[0] for name in names}) == 1 for names in drawn.values())


@pytest.mark.parametrize("pattern", ["^q", "(q?)"])
def test_a_name_without_a_patient_is_refused(pattern: str) -> None:
    with pytest.raises(ConfigurationError, match=r"by is .*, which finds no patient in 2 of 2 names, such as 'a', 'b'"):
        patients_in(["a", "b"], pattern, "by")


def test_what_is_no_regular_expression_is_refused_with_the_option_that_gave_it() -> None:
    with pytest.raises(ConfigurationError, match=r"split_by is '\(p', which is no regular expression \(missing \)"):
        Drawing(SHARES, "(p").sides(NAMES, {})


def test_given_sides_have_our_names_and_what_is_left_out_is_said() -> None:
    sides, notes = given_sides({"training": ["00"], "valid": ["01"], "extra": ["02"]}, NAMES, "it")
    assert sides == {"train": ["00"], "val": ["01"]}
    assert notes == ["it lists 1 files under 'extra', which is no side: they are not used."]
    assert given_sides({"train": ["00"]}, NAMES, "it")[1] == ["19 of 20 files are on no side of it: they are not used."]


def test_a_patient_on_two_sides_is_refused_and_not_named() -> None:
    patients = {"a": "Plantagenet", "b": "Plantagenet", "c": "other"}
    check_patients(patients, {"train": ["a", "b"], "test": ["c"]}, "it")
    with pytest.raises(DatasetError, match=r"1 patients are on two sides of it.*train: 'a'; test: 'b'") as caught:
        check_patients(patients, {"train": ["a", "c"], "test": ["b"]}, "it")
    assert "lantagenet" not in str(caught.value)
