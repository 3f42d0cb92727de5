"""Tests of the plugin as an ordinary program."""

import unittest

from plugin import Placement
from wit_world.exports.placement import Cluster, Goal_Drain, Goal_Place, Holder, Node, Shard
from wit_world.imports.types import Server


def cluster(nodes, capacity, shards):
    """Nodes with room for `capacity` copies each, and shards that should have two copies each
    and are held by these nodes.
    """

    def node(id):
        server = Server(id=id, name=f"Server{id}", weight=1, labels=[])
        return Node(server, accepts=True, requests=None, capacity=capacity)

    def shard(held):
        holders = [Holder(node, in_sync=True) for node in held]
        return Shard("sh", 4096, rows=None, bytes=None, requests=None, copies=2, held_by=holders)

    return Cluster([node(id) for id in range(1, nodes + 1)], [shard(held) for held in shards])


def targets(cluster, goal):
    return [(move.shard, move.target) for move in Placement().plan(cluster, goal, [])]


class Tests(unittest.TestCase):
    def test_every_shard_gets_its_copies_and_every_node_its_part(self):
        placed = targets(cluster(3, None, [[], [], []]), Goal_Place())
        self.assertEqual(placed, [(0, 0), (1, 1), (2, 2), (0, 1), (1, 2), (2, 0)])

    def test_where_room_is_short_no_shard_goes_without(self):
        placed = targets(cluster(3, 1, [[], [], []]), Goal_Place())
        self.assertEqual(placed, [(0, 0), (1, 1), (2, 2)])

    def test_a_node_that_leaves_gives_its_copies_to_those_that_hold_none(self):
        moved = targets(cluster(3, None, [[0, 1], [0, 2]]), Goal_Drain([0]))
        self.assertEqual(moved, [(0, 2), (1, 1)])


unittest.main()
