"""A Ray cluster: the one that is there, or one on this machine for as long as it is needed. Ray tells nobody of it."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from piggygan.errors import ConfigurationError

QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}
"""No reports of usage to Ray's makers; and which GPUs a task without one sees stays as it was set."""


def ray_package() -> Any:
    """Import Ray, with its reports off.

    Raises:
        ConfigurationError: If it is not installed.
    """
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    try:
        return import_module("ray")
    except ImportError as error:
        raise ConfigurationError("--engine ray needs ray: pip install 'piggygan[ray]'.") from error


@contextmanager
def ray_cluster() -> Iterator[Any]:
    """Be connected to Ray, and give its package.

    A connection that is there is used and stays. Else it is the cluster that RAY_ADDRESS names or that runs on this
    machine (``ray start``), or a new one of this machine's cores, which ends with the connection.

    Raises:
        ConfigurationError: If Ray is not installed, or the cluster cannot be reached.
    """
    ray = ray_package()
    if ray.is_initialized():
        yield ray
        return
    try:
        ray.init(log_to_driver=False, logging_level=logging.ERROR, include_dashboard=False)
    except (ConnectionError, RuntimeError) as error:
        where = os.environ.get("RAY_ADDRESS", "this machine")
        raise ConfigurationError(f"no Ray cluster can be reached at {where}: check RAY_ADDRESS.") from error
    try:
        yield ray
    finally:
        ray.shutdown()
