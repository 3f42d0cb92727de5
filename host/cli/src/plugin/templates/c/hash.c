// {{name}}: servers and requests are spread over a ring by one mixing function.

#include "bindings/hash_plugin.h"

#include <stdlib.h>

// The generated names are long; these are what they are called here.
typedef exports_ringwright_plugin_hash_description_t Description;
typedef exports_ringwright_plugin_hash_traits_t Traits;
typedef exports_ringwright_plugin_hash_topology_t Topology;
typedef exports_ringwright_plugin_hash_layout_t Layout;
typedef exports_ringwright_plugin_hash_point_t Point;

// Every bit of the number has a say in every bit of the answer: splitmix64, by Steele, Lea and
// Flood (2014).
static uint64_t mix(uint64_t number) {
    uint64_t x = number + 0x9e3779b97f4a7c15;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
    x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
    return x ^ (x >> 31);
}

// H: the slot of a request, below `slots`. Asked for every request, so it has to be quick. It
// knows nothing of servers: who owns a slot is for `place` to say.
static uint32_t slot(uint64_t request, uint32_t slots) {
    return mix(request) % slots;
}

// Φ: the slot of a virtual node. A request goes to the first one clockwise of its own slot.
//
// It depends on nothing but the server's number, which a server keeps for life. So when another
// comes or goes, this one's nodes stay where they are, and with them most requests.
static uint32_t place(uint32_t server, uint32_t virtual_node, uint32_t slots) {
    return slot(mix(server) ^ virtual_node, slots);
}

// What follows hands these to the host. The rule of memory: what is handed in is ours to free,
// and what we hand back the host frees, so it must be allocated, texts too.

static void *allocate(size_t count, size_t size) {
    if (count == 0) return NULL;
    void *memory = calloc(count, size);
    if (!memory) abort();
    return memory;
}

void exports_ringwright_plugin_hash_describe(Description *ret) {
    hash_plugin_string_dup(&ret->name, "{{name}}");
    hash_plugin_string_dup(&ret->version, "0.1.0");
    hash_plugin_string_dup(&ret->summary, "A ring whose points are spread by splitmix64");
    hash_plugin_string_dup(&ret->reference, "Where the idea comes from: a paper, an address");
    // What an operator may set. The values come with each topology, as texts.
    ret->settings.ptr = NULL;
    ret->settings.len = 0;
}

// What it can do. Nothing is asked of it that it does not declare.
void exports_ringwright_plugin_hash_declare(Traits *ret) {
    *ret = (Traits){.virtual_nodes = true};
}

uint32_t exports_ringwright_plugin_hash_slot(uint64_t request, uint32_t slots) {
    return slot(request, slots);
}

// Many at once, and for each the same answer as alone.
void exports_ringwright_plugin_hash_slots(
    hash_plugin_list_u64_t *requests, uint32_t slots, hash_plugin_list_u32_t *ret) {
    ret->len = requests->len;
    ret->ptr = allocate(ret->len, sizeof *ret->ptr);
    for (size_t i = 0; i < ret->len; i++) ret->ptr[i] = slot(requests->ptr[i], slots);
    hash_plugin_list_u64_free(requests);
}

// Asked once for each set of servers that requests may go to, an empty one too. Two points may
// want one slot: the host moves the later one to the next that is free.
bool exports_ringwright_plugin_hash_arrange(
    Topology *topology, Layout *ret, hash_plugin_string_t *err) {
    size_t servers = topology->servers.len;
    uint32_t slots = topology->slots;
    uint32_t room = servers ? slots / servers : slots;
    uint32_t each = topology->virtual_nodes < room ? topology->virtual_nodes : room;
    if (room == 0) {
        hash_plugin_string_dup(err, "there are more servers than slots");
    } else {
        Point *point = allocate(servers * each, sizeof *point);
        ret->tag = EXPORTS_RINGWRIGHT_PLUGIN_HASH_LAYOUT_RING;
        ret->val.ring.ptr = point;
        ret->val.ring.len = servers * each;
        for (size_t i = 0; i < servers; i++)
            for (uint32_t node = 1; node <= each; node++) {
                // A server is named by its position in the list, not by its number.
                uint32_t id = topology->servers.ptr[i].id;
                *point++ = (Point){.slot = place(id, node, slots), .server = i, .virtual_node = node};
            }
    }
    exports_ringwright_plugin_hash_topology_free(topology);
    return room > 0;
}
