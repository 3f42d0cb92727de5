"""Tests of the plugin as an ordinary program."""

import unittest
from collections import Counter

from componentize_py_types import Err
from plugin import Hash, slot
from wit_world.exports.hash import Topology
from wit_world.imports.types import Server


def points(ids, slots=512):
    servers = [Server(id=id, name=f"Server{id}", weight=1, labels=[]) for id in ids]
    return Hash().arrange(Topology(servers, virtual_nodes=9, slots=slots, settings=[])).value


class Tests(unittest.TestCase):
    def test_requests_spread_evenly_over_the_slots(self):
        counts = Counter(slot(request, 16) for request in range(16_000))
        self.assertEqual(len(counts), 16)
        self.assertTrue(all(850 < n < 1150 for n in counts.values()), counts)

    def test_many_at_once_are_as_one_by_one(self):
        ids = range(100_000, 101_000)
        alone = [Hash().slot(id, 512) for id in ids]
        self.assertEqual(Hash().slots(list(ids), 512), alone)

    def test_a_server_stays_where_it_is_when_others_come_and_go(self):
        def place_of_2(ids):
            return [p.slot for p in points(ids) if p.server == ids.index(2)]

        self.assertEqual(len(place_of_2([1, 2, 3])), 9)
        self.assertEqual(place_of_2([1, 2, 3]), place_of_2([2, 7]))

    def test_it_lays_out_any_number_of_servers_or_says_that_it_cannot(self):
        self.assertEqual(len(points([])), 0)
        self.assertEqual(len(points([1, 2], slots=5)), 4)
        with self.assertRaises(Err) as refused:
            points([1, 2, 3], slots=2)
        self.assertIn("do not fit", refused.exception.value)


unittest.main()
