"""A task of a registry scored on files as they are, and the page that says so."""
