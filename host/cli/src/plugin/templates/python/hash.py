"""{{name}}: servers and requests are spread over a ring by one mixing function."""

from componentize_py_types import Err
from wit_world import exports
from wit_world.exports.hash import Layout_Ring, Point, Topology, Traits
from wit_world.imports.types import Description

BITS_64 = (1 << 64) - 1


def slot(request: int, slots: int) -> int:
    """H: the slot of a request, below `slots`. Asked for every request, so it has to be quick.

    It knows nothing of servers: who owns a slot is for `place` to say.
    """
    return mix(request) % slots


def place(server: int, virtual_node: int, slots: int) -> int:
    """Φ: the slot of a virtual node. A request goes to the first one clockwise of its own slot.

    It depends on nothing but the server's number, which a server keeps for life. So when another
    comes or goes, this one's nodes stay where they are, and with them most requests.
    """
    return slot(mix(server) ^ virtual_node, slots)


def mix(number: int) -> int:
    """Every bit of the number has a say in every bit of the answer.

    splitmix64, by Steele, Lea and Flood (2014).
    """
    x = (number + 0x9E3779B97F4A7C15) & BITS_64
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & BITS_64
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & BITS_64
    return x ^ (x >> 31)


class Hash(exports.Hash):
    """The plugin. Its class has the name of the interface."""

    def describe(self) -> Description:
        return Description(
            name="{{name}}",
            version="0.1.0",
            summary="A ring whose points are spread by splitmix64",
            reference="Where the idea comes from: a paper, an address",
            # What an operator may set. The values come with each topology, as texts.
            settings=[],
        )

    def declare(self) -> Traits:
        """What it can do. Nothing is asked of it that it does not declare."""
        return Traits(weighted=False, virtual_nodes=True, tail_only=False, max_servers=None)

    def slot(self, request: int, slots: int) -> int:
        return slot(request, slots)

    def slots(self, requests: list[int], slots: int) -> list[int]:
        """Many at once, and for each the same answer as alone."""
        return [slot(request, slots) for request in requests]

    def arrange(self, topology: Topology) -> Layout_Ring:
        """Asked once for each set of servers that requests may go to, an empty one too.

        Two points may want one slot: the host moves the later one to the next that is free.
        """
        servers, slots = topology.servers, topology.slots
        room = slots // max(len(servers), 1)
        if room == 0:
            raise Err(f"{len(servers)} servers do not fit on {slots} slots")
        nodes = range(1, min(topology.virtual_nodes, room) + 1)
        return Layout_Ring([
            # A server is named by its position in the list, not by its number.
            Point(slot=place(server.id, node, slots), server=position, virtual_node=node)
            for position, server in enumerate(servers)
            for node in nodes
        ])
