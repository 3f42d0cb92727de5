"""The paper's hash function without virtual nodes, in Python: H(i) = i² + 2i + 17, and
Φ(i) = i² + 25 where i is the server's number, both mod the number of slots.

The modules imported here are made of wit/hash.wit: each interface is a class to implement, and
each of its types a class too. To have them where your editor finds them:

    componentize-py -d wit -w hash-plugin bindings .

The component brings a whole Python along: it has 18 MB, should have 64 MiB of memory, and a slot
takes ten times as long as in C. It runs without files, network or clock, as every plugin does.
"""

from componentize_py_types import Err
from wit_world import exports
from wit_world.exports.hash import Layout_Ring, Point, Topology, Traits
from wit_world.imports.types import Description


def h(request: int, slots: int) -> int:
    """H. The host asks for it with every request."""
    return (request * request + 2 * request + 17) % slots


def phi(server: int, slots: int) -> int:
    """Φ: where a server stands on the ring."""
    return (server * server + 25) % slots


class Hash(exports.Hash):
    """The plugin. Its name is that of the interface."""

    def describe(self) -> Description:
        """What it says of itself: `GET /plugins` shows it."""
        return Description(
            name="python-quadratic",
            version="0.1.0",
            summary="Quadratic hashing, one point a server, in Python",
            reference="The paper, section 2.1, without virtual servers",
            settings=[],
        )

    def declare(self) -> Traits:
        """What the algorithm can do: nothing of what one may ask for."""
        return Traits(weighted=False, virtual_nodes=False, tail_only=False, max_servers=None)

    def slot(self, request: int, slots: int) -> int:
        return h(request, slots)

    def slots(self, requests: list[int], slots: int) -> list[int]:
        """H of many ids: one call from the host instead of thousands."""
        return [h(request, slots) for request in requests]

    def arrange(self, topology: Topology) -> Layout_Ring:
        """The layout: asked for once whenever the servers change.

        A point names its server by position in the list, not by number. What cannot be laid out
        is an Err with the reason; any other exception is a fault, as a crash would be.
        """
        if len(topology.servers) > topology.slots:
            raise Err("a ring needs a slot for each server")
        return Layout_Ring(
            [
                Point(slot=phi(server.id, topology.slots), server=position, virtual_node=1)
                for position, server in enumerate(topology.servers)
            ]
        )
