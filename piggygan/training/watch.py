"""Notices while training what is finite and wrong all the same, and says so in the log."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field

PATIENCE = 100
"""Steps in a row of which a thing must be true before it is said, once."""
NO_LOSS = 1e-3
"""Sum of a player's losses below which there is nothing left to learn."""
NO_SPREAD = 1e-3
"""Difference of an output's largest and smallest value, of 2 in all, below which it is the same everywhere."""
EXPLOSION = 100.0
"""How many times its usual size a gradient is when that is said."""
WARM_UP = 20
"""Steps after which a player's usual gradient is known."""
MEMORY = 0.95
"""Share of the former mean in the running mean of gradients."""

_LOG = logging.getLogger(__name__)


@dataclass
class WatchState:
    """For how many steps in a row each thing has been true, and each player's usual gradient."""

    in_a_row: dict[str, int] = field(default_factory=dict)
    usual_norm: dict[str, float] = field(default_factory=dict)
    steps: dict[str, int] = field(default_factory=dict)


class Watch:
    """Looks at each player's step.

    Args:
        state: To go on from.
    """

    def __init__(self, state: WatchState | None = None) -> None:
        self.state = state or WatchState()

    def look(self, where: str, player: str, loss: float, norm: float, spread: float | None) -> None:
        """Look at one step of a player; all numbers are finite.

        Args:
            where: Epoch and step, for the log.
            player: Whose step.
            loss: Sum of its losses.
            norm: Of its gradients.
            spread: Difference of its output's largest and smallest value; None if it makes nothing.
        """
        self._note(
            where,
            f"the losses of {player!r} have been below {NO_LOSS:g} for {PATIENCE} steps: it has nothing left to learn, "
            f"and a player that learns from it (a generator from its discriminator) may learn nothing either",
            abs(loss) < NO_LOSS,
        )
        if spread is not None:
            self._note(
                where,
                f"the output of {player!r} has been the same everywhere for {PATIENCE} steps",
                spread < NO_SPREAD,
            )
        self._look_at_norm(where, player, norm)

    def _note(self, where: str, what: str, is_so: bool) -> None:
        count = self.state.in_a_row.get(what, 0) + 1 if is_so else 0
        self.state.in_a_row[what] = count
        if count == PATIENCE:
            _LOG.warning("%s: %s.", where, what)

    def _look_at_norm(self, where: str, player: str, norm: float) -> None:
        steps = self.state.steps.get(player, 0)
        usual = self.state.usual_norm.get(player, norm)
        if steps >= WARM_UP and norm > EXPLOSION * usual > 0:
            _LOG.warning(
                "%s: the gradients of %r have a norm of %.3g, usual is %.3g; if it stays so, lower the learning rate.",
                where,
                player,
                norm,
                usual,
            )
        self.state.steps[player] = steps + 1
        self.state.usual_norm[player] = MEMORY * usual + (1 - MEMORY) * norm
