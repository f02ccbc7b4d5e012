"""Pseudonyms: the same for the same patient and key, and nothing that tells whose."""

from __future__ import annotations

import hashlib
import hmac
import os
import uuid
from pathlib import Path

import pytest

from piggygan.data.dicom.identity import Identity
from piggygan.data.dicom.source import SourceImage, is_identifier
from piggygan.errors import ConfigurationError
from piggygan.prediction.pseudonyms import METHOD, Pseudonyms

KEY = bytes(range(32))
WHO = {
    "PatientID": "4711",
    "PatientName": "Plantagenet^Richard",
    "PatientBirthDate": "18991231",
    "PatientSex": "M",
    "StudyDate": "18991230",
    "AccessionNumber": "A1",
    "StudyDescription": "Plantagenet",
    "ReferringPhysicianName": "Plantagenet",
    "SpecificCharacterSet": "ISO_IR 100",
}
SOURCE = SourceImage("1.2.840.10008.5.1.4.1.1.1", "1.2.3.4", "1.2.3", "1.2.3.5", "1.2.3.6", "L", Identity(WHO))


def of_patient(number: str, issuer: str = "", key: bytes = KEY) -> str:
    identity = Identity({**WHO, "PatientID": number, "IssuerOfPatientID": issuer})
    return found_values(Pseudonyms(key), identity)["PatientID"]


def found_values(pseudonyms: Pseudonyms, identity: Identity) -> dict[str, str]:
    source = SourceImage("1.2", "1.3", "1.4", "1.5", identity=identity)
    found = pseudonyms.of_source(source).identity
    assert found is not None
    return found.values


def test_a_pseudonym_is_the_hmac_of_issuer_and_number() -> None:
    expected = hmac.new(KEY, b"patient\0Ward 3\x004711", hashlib.sha256).hexdigest()[:32]
    assert of_patient("4711", "Ward 3") == expected
    assert of_patient("4711 ", "Ward 3") == expected  # the space makes bytes even
    others = {of_patient("4712", "Ward 3"), of_patient("4711"), of_patient("4711", "Ward 3", KEY[::-1]), expected}
    assert len(others) == 4


def test_all_that_tells_who_is_replaced_or_gone() -> None:
    found = Pseudonyms(KEY).of_source(SOURCE)
    assert found.identity is not None
    values = found.identity.values
    assert set(values) == {"PatientID", "PatientName", "PatientIdentityRemoved", "DeidentificationMethod"}
    assert values["PatientID"] == values["PatientName"]
    assert (values["PatientIdentityRemoved"], values["DeidentificationMethod"]) == ("YES", METHOD)
    assert len(METHOD) <= 64
    told = str(values) + str(found)
    assert not any(secret in told for secret in (*WHO.values(), "1.2.3") if len(secret) > 1)
    assert (found.sop_class, found.laterality) == (SOURCE.sop_class, "L")


def test_identifiers_are_replaced_by_others_that_stay() -> None:
    pseudonyms = Pseudonyms(KEY)
    found = pseudonyms.of_source(SOURCE)
    new = [found.sop_instance, found.study, found.series, found.frame_of_reference]
    assert len(set(new)) == 4
    assert all(is_identifier(value) for value in new)
    assert found.study == Pseudonyms(KEY).of_identifier(SOURCE.study) != Pseudonyms(KEY[::-1]).of_identifier("1.2.3")
    digest = hmac.new(KEY, b"uid\x001.2.3", hashlib.sha256).digest()[:16]
    assert uuid.UUID(int=int(found.study.removeprefix("2.25."))) == uuid.UUID(bytes=digest, version=4)


def test_without_a_number_there_is_no_pseudonym() -> None:
    values = found_values(Pseudonyms(KEY), Identity({"PatientName": "Plantagenet"}))
    assert set(values) == {"PatientIdentityRemoved", "DeidentificationMethod"}


def key_file(path: Path, content: bytes, mode: int = 0o600) -> Path:
    path.write_bytes(content)
    path.chmod(mode)
    return path


def test_a_key_is_read_from_a_file_without_the_space_around_it(tmp_path: Path) -> None:
    path = key_file(tmp_path / "key", KEY.hex().encode() + b"\r\n")
    assert Pseudonyms.of_key_file(path).of_identifier("1.2") == Pseudonyms(KEY.hex().encode()).of_identifier("1.2")


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "has 0 bytes; needed are 16"), (b"secret  \n" + b" " * 20, "has 6 bytes"), (bytes(5000), "over 4096")],
)
def test_a_key_that_is_none_is_refused_and_not_quoted(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message) as caught:
        Pseudonyms.of_key_file(key_file(tmp_path / "key", content))
    assert "secret" not in str(caught.value)


@pytest.mark.skipif(os.name != "posix", reason="modes of files are POSIX's")
def test_a_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    for mode in (0o640, 0o604, 0o666):
        with pytest.raises(ConfigurationError, match="chmod 600"):
            Pseudonyms.of_key_file(key_file(tmp_path / "key", KEY, mode))
    for path in (tmp_path / "missing", tmp_path):
        with pytest.raises(ConfigurationError, match="cannot be read"):
            Pseudonyms.of_key_file(path)
