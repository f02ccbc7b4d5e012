"""A configuration as TOML, and back; what no option is called is refused with the nearest name."""

from __future__ import annotations

import dataclasses
import tomllib
import types
import typing
from pathlib import Path
from typing import Any, Literal

import tomli_w

from piggygan.errors import ConfigurationError, CorruptFileError
from piggygan.files.regular import read_regular_file, shown
from piggygan.jobs.config import TrainConfig
from piggygan.terminal.guessing import did_you_mean

MAX_SIZE = 1 << 20
"""Bytes of the largest file that is read."""

_KINDS = {bool: "true or false", int: "a whole number", float: "a number", str: "a text", Path: "a path, as a text"}


def config_to_toml(config: TrainConfig) -> str:
    """Write every option; one that has no value is named in a comment.

    Example:
        >>> print(config_to_toml(TrainConfig()).splitlines()[0])
        [data]
    """
    sections = []
    for part in dataclasses.fields(config):
        values = _values(getattr(config, part.name))
        given = {name: _plain(value) for name, value in values.items() if value is not None}
        absent = [f"# {name} is not set\n" for name, value in values.items() if value is None]
        sections.append(f"[{part.name}]\n" + tomli_w.dumps(given) + "".join(absent))
    return "\n".join(sections)


def read_config(path: Path) -> TrainConfig:
    """Read a configuration; what a file does not name is as by default, and its paths begin at its own folder.

    Raises:
        ConfigurationError: If there is no such file, it is no TOML, or it names what is no option or no value of one.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     _ = Path(folder, "doors.toml").write_text("training.epochs = 3")
        ...     read_config(Path(folder, "doors.toml")).training.epochs
        3
    """
    try:
        document = tomllib.loads(read_regular_file(path, max_size=MAX_SIZE).decode("utf-8"))
    except FileNotFoundError as error:
        raise ConfigurationError(f"there is no configuration {shown(path)}: check the path.") from error
    except (CorruptFileError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationError(f"{shown(path)} is no TOML: {error}.") from error
    found = config_from_document(document, shown(path))
    return with_paths_from(found, path.parent)


def with_paths_from(config: TrainConfig, folder: Path) -> TrainConfig:
    """Return a configuration whose relative paths of data begin at a folder."""
    places = {name: value for name, value in _values(config.data).items() if isinstance(value, Path)}
    absolute: dict[str, Any] = {name: (folder / place).absolute() for name, place in places.items()}
    return dataclasses.replace(config, data=dataclasses.replace(config.data, **absolute))


def config_from_document(document: dict[str, Any], where: str) -> TrainConfig:
    """Make a configuration of parsed TOML.

    Args:
        document: Tables by the names of the configuration's parts.
        where: What it is, for messages.

    Raises:
        ConfigurationError: If something in it is no option, or no value of one.

    Example:
        >>> config_from_document({"training": {"epochs": 3}}, "doors.toml").training.epochs
        3
    """
    kinds = typing.get_type_hints(TrainConfig)
    parts = {}
    for name, table in document.items():
        if name not in kinds:
            raise _unknown(f"[{name}]" if isinstance(table, dict) else name, name, where, list(kinds))
        if not isinstance(table, dict):
            raise ConfigurationError(f"in {where}, {name} is {table!r}; it is a table: write [{name}] above its keys.")
        options = typing.get_type_hints(kinds[name])
        for key in table:
            if key not in options:
                raise _unknown(f"{key} in [{name}]", key, where, list(options))
        values = {key: _checked(options[key], value, f"{key} in [{name}]", where) for key, value in table.items()}
        try:
            parts[name] = kinds[name](**values)
        except ConfigurationError as error:  # a value out of range
            raise ConfigurationError(f"in {where}, {error}") from error
    return TrainConfig(**parts)


def _values(part: Any) -> dict[str, Any]:
    return {field.name: getattr(part, field.name) for field in dataclasses.fields(part)}


def _plain(value: Any) -> Any:
    if isinstance(value, Path):
        return str(value)
    return list(value) if isinstance(value, tuple) else value


def _unknown(said: str, name: str, where: str, known: list[str]) -> ConfigurationError:
    every = {key: section for section, keys in _keys().items() for key in keys}
    if name in every and name not in known:
        return ConfigurationError(f"in {where}, {said} stands in the wrong table: {name} belongs in [{every[name]}].")
    guess = did_you_mean(name, known).rstrip() or f"there are {', '.join(known)}."
    return ConfigurationError(f"in {where} there is no option {said}: {guess}")


def _keys() -> dict[str, list[str]]:
    return {part: list(typing.get_type_hints(kind)) for part, kind in typing.get_type_hints(TrainConfig).items()}


def _checked(kind: Any, value: Any, name: str, where: str) -> Any:
    """Bring a value to an option's kind, or refuse it."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (types.UnionType, typing.Union):
        (kind,) = (argument for argument in arguments if argument is not type(None))
        return _checked(kind, value, name, where)
    if origin is Literal:
        if value in arguments:
            return value
        guess = did_you_mean(value, arguments) if isinstance(value, str) else ""
        raise _refused(name, where, value, " or ".join(map(repr, arguments)), guess)
    if origin is tuple:
        if isinstance(value, list):
            return tuple(_checked(arguments[0], item, name, where) for item in value)
        raise _refused(name, where, value, "a list")
    if kind is float and type(value) is int:
        return float(value)
    if kind is Path and isinstance(value, str):
        return Path(value)
    if type(value) is kind:
        return value
    raise _refused(name, where, value, _KINDS[kind])


def _refused(name: str, where: str, value: Any, wanted: str, guess: str = "") -> ConfigurationError:
    end = f": {guess.rstrip()}" if guess else "."
    return ConfigurationError(f"in {where}, {name} is {value!r}; needed is {wanted}{end}")
