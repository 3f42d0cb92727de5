/* The paper's hash function without virtual nodes, in C: H(i) = i^2 + 2i + 17, and
 * Phi(i) = i^2 + 25 where i is the server's number, both mod the number of slots.
 *
 * hash_plugin.h is made of wit/hash.wit: each function of the interface is one to define here, and
 * each of its types is a struct. Two rules govern memory:
 *   - what a function is given is its own: it frees it;
 *   - what a function answers is freed after the host has read it: it must come from malloc, and a
 *     string literal has to be copied (the `dup` below).
 */

#include <stdlib.h>

#include "hash_plugin.h"

/* What the plugin says of itself: `GET /plugins` shows it. */
void exports_ringwright_plugin_hash_describe(exports_ringwright_plugin_hash_description_t *ret) {
    hash_plugin_string_dup(&ret->name, "c-quadratic");
    hash_plugin_string_dup(&ret->version, "0.1.0");
    hash_plugin_string_dup(&ret->summary, "Quadratic hashing, one point a server, in C");
    hash_plugin_string_dup(&ret->reference, "The paper, section 2.1, without virtual servers");
    ret->settings.ptr = NULL;
    ret->settings.len = 0;
}

/* What the algorithm can do: nothing of what one may ask for. */
void exports_ringwright_plugin_hash_declare(exports_ringwright_plugin_hash_traits_t *ret) {
    ret->weighted = false;
    ret->virtual_nodes = false;
    ret->tail_only = false;
    ret->max_servers.is_some = false;
}

/* H. The host asks for it with every request, so it should be fast. The id is reduced first, so
 * that its square does not overflow. */
static uint32_t h(uint64_t request, uint32_t slots) {
    uint64_t i = request % slots;
    return (i * i + 2 * i + 17) % slots;
}

uint32_t exports_ringwright_plugin_hash_slot(uint64_t request, uint32_t slots) {
    return h(request, slots);
}

/* H of many ids: one call from the host instead of thousands. */
void exports_ringwright_plugin_hash_slots(hash_plugin_list_u64_t *requests, uint32_t slots,
                                          hash_plugin_list_u32_t *ret) {
    ret->len = requests->len;
    ret->ptr = malloc(ret->len * sizeof *ret->ptr);
    if (ret->ptr == NULL && ret->len > 0) {
        abort(); /* there is no other way to say so: the host starts another instance */
    }
    for (size_t i = 0; i < ret->len; i++) {
        ret->ptr[i] = h(requests->ptr[i], slots);
    }
    hash_plugin_list_u64_free(requests);
}

/* Phi: where a server stands on the ring. */
static uint32_t phi(uint32_t server, uint32_t slots) {
    uint64_t i = server % slots;
    return (i * i + 25) % slots;
}

/* The layout: asked for once whenever the servers change. It answers whether that worked, and
 * fills in either the layout or the reason why not. */
bool exports_ringwright_plugin_hash_arrange(exports_ringwright_plugin_hash_topology_t *topology,
                                            exports_ringwright_plugin_hash_layout_t *ret,
                                            hash_plugin_string_t *err) {
    size_t servers = topology->servers.len;
    uint32_t slots = topology->slots;
    exports_ringwright_plugin_hash_point_t *points = malloc(servers * sizeof *points);

    bool ok = slots > 0 && servers <= slots && (points != NULL || servers == 0);
    if (ok) {
        for (size_t i = 0; i < servers; i++) {
            points[i].slot = phi(topology->servers.ptr[i].id, slots);
            points[i].server = i; /* the position in the list, not the number */
            points[i].virtual_node = 1;
        }
        ret->tag = EXPORTS_RINGWRIGHT_PLUGIN_HASH_LAYOUT_RING;
        ret->val.ring.ptr = points;
        ret->val.ring.len = servers;
    } else {
        free(points);
        hash_plugin_string_dup(err, "a ring needs a slot for each server, and memory for them");
    }
    exports_ringwright_plugin_hash_topology_free(topology);
    return ok;
}
