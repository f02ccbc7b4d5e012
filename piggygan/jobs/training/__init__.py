"""From folders to a committed task, in stages that a stop costs nothing."""
