"""Pseudonyms in place of a patient's identity and of identifiers, made by a keyed hash (PS3.15 annex E).

All of one patient's films get one pseudonym, all of one study one study; without the key nobody can tell whose or
which, nor test a guess. With it anybody can: the key is as secret as what it hides.
"""

from __future__ import annotations

import hmac
import os
import stat
import uuid
from dataclasses import replace
from pathlib import Path

from piggygan.data.dicom.identity import Identity
from piggygan.data.dicom.source import SourceImage
from piggygan.errors import ConfigurationError, ImageError
from piggygan.files.regular import open_regular, shown

SHORTEST_KEY = 16
"""Bytes: 128 bits, if they are random. Identifiers of patients are few enough to be tried out; keys must not be."""
_LONGEST_KEY = 4096
METHOD = "piggygan: keyed hashes for patient and UIDs, no dates"
"""What a file says of how its identity was removed (De-identification Method)."""


class Pseudonyms:
    """Makes pseudonyms with a key.

    Args:
        key: At least :data:`SHORTEST_KEY` bytes that nobody can guess.

    Raises:
        ConfigurationError: If it is shorter.

    Example:
        >>> Pseudonyms(bytes(16)).of_identifier("1.2.840.1")
        '2.25.181732202540630086910692409473309008349'
    """

    def __init__(self, key: bytes) -> None:
        if len(key) < SHORTEST_KEY:
            raise ConfigurationError(
                f"the key for pseudonyms has {len(key)} bytes; needed are {SHORTEST_KEY} or more that nobody can "
                f"guess, such as of 'openssl rand -hex 32'."
            )
        self._key = key

    @classmethod
    def of_key_file(cls, path: str | os.PathLike[str]) -> Pseudonyms:
        """Read the key from a file; white space around it does not count.

        Raises:
            ConfigurationError: If it cannot be read, is short, or others than its owner may read it.
        """
        path = Path(path)
        try:
            with open_regular(path) as file:
                content = file.read(_LONGEST_KEY + 1)
                mode = os.fstat(file.fileno()).st_mode
        except (ImageError, OSError) as error:
            raise ConfigurationError(f"the key for pseudonyms cannot be read: {error}") from error
        if len(content) > _LONGEST_KEY:
            raise ConfigurationError(f"{shown(path)} has over {_LONGEST_KEY} bytes: a key for pseudonyms has fewer.")
        if os.name == "posix" and mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise ConfigurationError(
                f"{shown(path)} can be read by others, and with it pseudonyms are no secret: chmod 600 it."
            )
        return cls(content.strip())

    def of_source(self, source: SourceImage) -> SourceImage:
        """Put pseudonyms in the place of all that tells which image it is and whose.

        Identifiers are replaced too, as the Basic Application Level Confidentiality Profile has it (PS3.15 table
        E.1-1, action U): whoever has a Study Instance UID and an archive knows the patient. Dates and numbers of the
        study, the birth date and the sex are left empty (action Z), and all else is left out (action X).
        """
        space = source.frame_of_reference
        return replace(
            source,
            sop_instance=self.of_identifier(source.sop_instance),
            study=self.of_identifier(source.study),
            series=self.of_identifier(source.series),
            frame_of_reference=None if space is None else self.of_identifier(space),
            identity=self._of_identity(source.identity),
        )

    def of_identifier(self, identifier: str) -> str:
        """Give a UID that is always the same for the same one (PS3.5 B.2)."""
        return f"2.25.{uuid.UUID(bytes=self._digest('uid', identifier)[:16], version=4).int}"

    def _of_identity(self, identity: Identity | None) -> Identity | None:
        if identity is None:
            return None
        values = {"PatientIdentityRemoved": "YES", "DeidentificationMethod": METHOD}
        number, issuer = (identity.values.get(key, "").strip("\0 ") for key in ("PatientID", "IssuerOfPatientID"))
        if number:  # a name alone is no identity: two people may bear it
            values["PatientID"] = values["PatientName"] = self._digest("patient", issuer, number)[:16].hex()
        return Identity(values, tuple(keyword for keyword in identity.left_out if keyword == "PatientID"))

    def _digest(self, *parts: str) -> bytes:
        return hmac.digest(self._key, "\0".join(parts).encode(), "sha256")
