"""A registry's tasks over HTTP: a page to try them on, and an interface for programs."""
