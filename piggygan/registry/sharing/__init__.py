"""Registries that travel: to and from a folder elsewhere or a repository on the Hugging Face Hub."""
