"""{{name}}: a copy goes to the server that holds the fewest."""

from wit_world import exports
from wit_world.exports.placement import Cluster, Goal, Goal_Drain, Goal_Place, Move
from wit_world.imports.types import Description


def rank(board: "Board", node: int) -> int:
    """How well a node suits as the next holder of a copy: of those that may have it, the lowest
    gets it. This is the policy; all else is what the contract asks of any.
    """
    return board.load(node)


class Placement(exports.Placement):
    """The plugin. Its class has the name of the interface."""

    def describe(self) -> Description:
        return Description(
            name="{{name}}",
            version="0.1.0",
            summary="A copy goes to the server that holds the fewest",
            reference="Where the idea comes from: a paper, an address",
            # What an operator may set. The values come with each question, as texts.
            settings=[],
        )

    def plan(
        self, cluster: Cluster, goal: Goal, settings: list[tuple[str, str]]
    ) -> list[Move]:
        """The moves that reach the goal.

        The host checks each against those before it, and refuses a plan that stops short while
        there is room.
        """
        board = Board(cluster)
        if isinstance(goal, Goal_Place):
            return place(board)
        if isinstance(goal, Goal_Drain):
            return drain(board, goal.value)
        return []  # toward balance: none is always lawful, and each costs a copy of a shard


def place(board: "Board") -> list[Move]:
    """Gives every shard its first copy, then its second, and so on: where room is short, none
    goes without while another has two.
    """
    moves = []
    shards = board.cluster.shards
    for copies in range(1, max((s.copies for s in shards), default=0) + 1):
        for shard, told in enumerate(shards):
            if len(board.holders[shard]) < min(copies, told.copies):
                moves += board.give(shard, None, [])
    return moves


def drain(board: "Board", leaving: list[int]) -> list[Move]:
    """Moves every copy off the nodes that leave, to others than these."""
    moves = []
    for shard, holders in enumerate(board.holders):
        for source in leaving:
            if source in holders:
                moves += board.give(shard, source, leaving)
    return moves


class Board:
    """The cluster as the moves so far leave it."""

    def __init__(self, cluster: Cluster):
        self.cluster = cluster
        self.holders = [{h.node for h in shard.held_by} for shard in cluster.shards]

    def load(self, node: int) -> int:
        """How many copies a node holds."""
        return sum(node in nodes for nodes in self.holders)

    def takes(self, node: int, shard: int) -> bool:
        """Whether a node may get a copy: it accepts, has room, and holds none of this shard."""
        told = self.cluster.nodes[node]
        has_room = told.capacity is None or self.load(node) < told.capacity
        return told.accepts and has_room and node not in self.holders[shard]

    def give(self, shard: int, source: int | None, but: list[int]) -> list[Move]:
        """A copy for the best of the nodes that may have it, in place of the one that `source`
        holds.
        """
        nodes = range(len(self.cluster.nodes))
        able = [node for node in nodes if node not in but and self.takes(node, shard)]
        if not able:
            return []
        # Of equals each shard prefers another, so that not all go to the first.
        target = min(able, key=lambda n: (rank(self, n), (n - shard) % len(nodes)))
        reason = f"it holds {self.load(target)} copies"
        self.holders[shard].discard(source)
        self.holders[shard].add(target)
        return [Move(shard=shard, source=source, target=target, reason=reason, gain=1.0)]
