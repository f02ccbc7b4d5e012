"""Which remote an address means."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

from piggygan.errors import ConfigurationError
from piggygan.registry.sharing.folder_remote import FolderRemote
from piggygan.registry.sharing.hub_remote import HubRemote
from piggygan.registry.sharing.remote import Remote

_HUB = re.compile(r"hf://([\w.-]+/[\w.-]+)(?:@([\w./-]+))?/?")


def open_remote(url: str, *, public: bool = False) -> Remote:
    """Return the remote of an address; nothing is read yet.

    Args:
        url: ``hf://owner/name``, ``hf://owner/name@revision`` or ``file:///path/of/a/folder``.
        public: Whether a repository that a push makes can be seen by everyone.

    Raises:
        ConfigurationError: If it is none of these.

    Example:
        >>> open_remote("file:///srv/clinic").url
        'file:///srv/clinic'
    """
    if found := _HUB.fullmatch(url):
        return HubRemote(found[1], found[2], public=public)
    parts = urlsplit(url)
    if parts.scheme == "file" and parts.netloc in ("", "localhost") and parts.path.startswith("/"):
        return FolderRemote(Path(unquote(parts.path)))
    raise ConfigurationError(
        f"{url!r} is no place to share a registry; needed is hf://OWNER/NAME (a repository of the Hugging Face Hub) "
        f"or file:///PATH (a folder, three strokes)."
    )
