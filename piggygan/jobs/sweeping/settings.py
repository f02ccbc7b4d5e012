"""Settings: what a sweep varies, read from words such as ``learning_rate=2e-4,8e-4`` and checked as options are."""

from __future__ import annotations

import dataclasses
import itertools
import types
import typing
from collections.abc import Iterable
from typing import Any

from piggygan.errors import ConfigurationError
from piggygan.jobs.config import TrainConfig
from piggygan.jobs.config_file import config_from_document
from piggygan.jobs.data import DataConfig
from piggygan.terminal.guessing import did_you_mean

Setting = dict[str, Any]
"""Values by the names of options."""
_WHERE = "--set"
_NOT_VARIED = {
    "seed": "how many seeds, --seeds says",
    "commit_anyway": "what is not learned is ranked too, and marked",
    "size": "pictures of two sizes have scores that cannot be compared",
    **dict.fromkeys((field.name for field in dataclasses.fields(DataConfig)), "a sweep compares runs on the same data"),
}


def read_settings(words: Iterable[str]) -> list[Setting]:
    """Read what is varied, and combine every value with every other.

    Args:
        words: Each an option of ``piggygan train`` and its values, ``name=value,value``; several words of one
            option have a plus between them, ``draws_on=facades+hands``.

    Returns:
        The combinations, the last option changing fastest; one empty setting if nothing is varied.

    Raises:
        ConfigurationError: If one is no option, is none to be varied, has a value that the option cannot have, or is
            there twice.

    Example:
        >>> read_settings(["learning-rate=2e-4,8e-4", "init=warm"])
        [{'learning_rate': 0.0002, 'init': 'warm'}, {'learning_rate': 0.0008, 'init': 'warm'}]
    """
    varied: dict[str, list[Any]] = {}
    for word in words:
        name, values = _read(word)
        if name in varied:
            raise ConfigurationError(f"{_WHERE} {name} is there twice: write all of its values with commas between.")
        varied[name] = values
    return [dict(zip(varied, values, strict=True)) for values in itertools.product(*varied.values())]


def with_setting(config: TrainConfig, setting: Setting) -> TrainConfig:
    """Return a configuration with some options changed.

    Example:
        >>> with_setting(TrainConfig(), {"learning_rate": 8e-4}).training.learning_rate
        0.0008
    """
    for name, value in setting.items():
        part = _parts()[name]
        config = dataclasses.replace(config, **{part: dataclasses.replace(getattr(config, part), **{name: value})})
    return config


def setting_words(setting: Setting) -> str:
    """Say a setting on one line.

    Example:
        >>> setting_words({"learning_rate": 8e-4, "init": "warm"}), setting_words({})
        ('learning_rate=0.0008 init=warm', 'as given')
    """
    return " ".join(f"{name}={_text(value)}" for name, value in setting.items()) or "as given"


def command_words(config: TrainConfig) -> list[str]:
    """Write a configuration as words of ``piggygan train``; what is as by default is left out.

    Example:
        >>> command_words(with_setting(TrainConfig(), {"learning_rate": 8e-4, "commit_anyway": True}))
        ['--learning-rate', '0.0008', '--commit-anyway']
    """
    words = []
    for part in dataclasses.fields(config):
        values, default = getattr(config, part.name), getattr(TrainConfig(), part.name)
        for field in dataclasses.fields(values):
            value, option = getattr(values, field.name), field.name.replace("_", "-")
            if value == getattr(default, field.name):
                continue
            if isinstance(value, bool) and field.default is not None:
                words.append(f"--{'' if value else 'no-'}{option}")
            else:
                words += [f"--{option}", *(map(str, value) if isinstance(value, tuple) else [str(value)])]
    return words


def _read(word: str) -> tuple[str, list[Any]]:
    written, is_given, texts = word.partition("=")
    name = written.strip().lstrip("-").replace("-", "_")
    if not is_given or not texts or not name:
        raise ConfigurationError(
            f"{_WHERE} {word!r} is no option with values: write such as 'learning_rate=2e-4,8e-4'."
        )
    parts = _parts()
    if name not in parts:
        guess = did_you_mean(name, parts).rstrip() or "piggygan train --help-all has all of them."
        raise ConfigurationError(f"{_WHERE} {written!r} is no option of piggygan train: {guess}")
    if name in _NOT_VARIED:
        raise ConfigurationError(f"{_WHERE} {name} cannot be varied: {_NOT_VARIED[name]}.")
    part = parts[name]
    kind = typing.get_type_hints(typing.get_type_hints(TrainConfig)[part])[name]
    values = []
    for text in texts.split(","):
        checked = config_from_document({part: {name: _plain(kind, text.strip())}}, _WHERE)
        value = getattr(getattr(checked, part), name)
        if value in values:
            raise ConfigurationError(f"{_WHERE} {name} has the value {text.strip()} twice: once is enough.")
        values.append(value)
    return name, values


def _plain(kind: Any, text: str) -> Any:
    """Read a text as a value of an option's kind; one that cannot be stays a text, which is then refused."""
    if typing.get_origin(kind) in (types.UnionType, typing.Union):
        (kind,) = (argument for argument in typing.get_args(kind) if argument is not type(None))
    if typing.get_origin(kind) is tuple:
        return text.split("+")
    if kind is bool:
        return {"true": True, "false": False}.get(text.lower(), text)
    try:
        return kind(text) if kind in (int, float) else text
    except ValueError:
        return text


def _text(value: Any) -> str:
    if isinstance(value, tuple):
        return "+".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def _parts() -> dict[str, str]:
    """Return the table that each option is in."""
    kinds = typing.get_type_hints(TrainConfig)
    return {name: part for part, kind in kinds.items() for name in typing.get_type_hints(kind)}
