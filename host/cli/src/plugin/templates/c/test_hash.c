// Tests of the plugin as an ordinary program. They call what the host calls.

#include "bindings/hash_plugin.h"

#include <stdio.h>
#include <stdlib.h>

#define CHECK(holds) check(holds, #holds, __LINE__)

static int failures;

static void check(bool holds, const char *what, int line) {
    if (holds) return;
    printf("test.c:%d: not so: %s\n", line, what);
    failures++;
}

// The bindings want it; it is in the file that a component carries its WIT in.
void __component_type_object_force_link_hash_plugin(void) {}

// Lays out servers with these numbers.
static bool arrange(size_t count, const uint32_t *ids, uint32_t slots,
                    exports_ringwright_plugin_hash_layout_t *layout) {
    exports_ringwright_plugin_hash_topology_t topology = {.virtual_nodes = 9, .slots = slots};
    hash_plugin_string_t err;
    topology.servers.len = count;
    topology.servers.ptr = calloc(count + 1, sizeof *topology.servers.ptr);
    for (size_t i = 0; i < count; i++) {
        topology.servers.ptr[i].id = ids[i];
        topology.servers.ptr[i].weight = 1;
    }
    bool fits = exports_ringwright_plugin_hash_arrange(&topology, layout, &err);
    if (!fits) hash_plugin_string_free(&err);
    return fits;
}

static void requests_spread_evenly_over_the_slots(void) {
    int counts[16] = {0};
    for (uint64_t request = 0; request < 16000; request++)
        counts[exports_ringwright_plugin_hash_slot(request, 16)]++;
    for (int i = 0; i < 16; i++) CHECK(850 < counts[i] && counts[i] < 1150);
}

static void many_at_once_are_as_one_by_one(void) {
    hash_plugin_list_u64_t requests = {malloc(1000 * sizeof(uint64_t)), 1000};
    hash_plugin_list_u32_t slots;
    for (uint64_t i = 0; i < 1000; i++) requests.ptr[i] = 100000 + i;
    exports_ringwright_plugin_hash_slots(&requests, 512, &slots);
    CHECK(slots.len == 1000);
    for (uint64_t i = 0; i < 1000; i++)
        CHECK(slots.ptr[i] == exports_ringwright_plugin_hash_slot(100000 + i, 512));
    hash_plugin_list_u32_free(&slots);
}

static void a_server_stays_where_it_is_when_others_come_and_go(void) {
    exports_ringwright_plugin_hash_layout_t three, two;
    CHECK(arrange(3, (uint32_t[]){1, 2, 3}, 512, &three));
    CHECK(arrange(2, (uint32_t[]){2, 7}, 512, &two));
    CHECK(three.val.ring.len == 27 && two.val.ring.len == 18);
    // Server 2 has position 1 in the one and 0 in the other.
    for (size_t i = 0; i < 9; i++)
        CHECK(three.val.ring.ptr[9 + i].slot == two.val.ring.ptr[i].slot);
    exports_ringwright_plugin_hash_layout_free(&three);
    exports_ringwright_plugin_hash_layout_free(&two);
}

static void it_lays_out_any_number_of_servers_or_says_that_it_cannot(void) {
    exports_ringwright_plugin_hash_layout_t layout;
    CHECK(arrange(0, NULL, 512, &layout) && layout.val.ring.len == 0);
    CHECK(arrange(2, (uint32_t[]){1, 2}, 5, &layout) && layout.val.ring.len == 4);
    exports_ringwright_plugin_hash_layout_free(&layout);
    CHECK(!arrange(3, (uint32_t[]){1, 2, 3}, 2, &layout));
}

int main(void) {
    requests_spread_evenly_over_the_slots();
    many_at_once_are_as_one_by_one();
    a_server_stays_where_it_is_when_others_come_and_go();
    it_lays_out_any_number_of_servers_or_says_that_it_cannot();
    if (!failures) puts("4 tests passed");
    return failures != 0;
}
