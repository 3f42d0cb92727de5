// Tests of the plugin as an ordinary program. They call what the host calls.

#include "bindings/placement_plugin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(holds) check(holds, #holds, __LINE__)

typedef exports_ringwright_plugin_placement_goal_t Goal;
typedef exports_ringwright_plugin_placement_holder_t Holder;

static int failures;

static void check(bool holds, const char *what, int line) {
    if (holds) return;
    printf("test.c:%d: not so: %s\n", line, what);
    failures++;
}

// The bindings want it; it is in the file that a component carries its WIT in.
void __component_type_object_force_link_placement_plugin(void) {}

// The plan for three nodes with room for `capacity` copies each (0: any number), and shards that
// should have two copies each and are held by these nodes, one digit a node. It is written as
// shard and target of each move.
static const char *plan(uint32_t capacity, size_t shards, const char *const *held, Goal goal) {
    exports_ringwright_plugin_placement_cluster_t cluster = {
        .nodes = {calloc(3, sizeof *cluster.nodes.ptr), 3},
        .shards = {calloc(shards, sizeof *cluster.shards.ptr), shards},
    };
    for (uint32_t i = 0; i < 3; i++) {
        cluster.nodes.ptr[i].server.id = i + 1;
        cluster.nodes.ptr[i].accepts = true;
        cluster.nodes.ptr[i].capacity.is_some = capacity != 0;
        cluster.nodes.ptr[i].capacity.val = capacity;
    }
    for (size_t i = 0; i < shards; i++) {
        size_t holders = strlen(held[i]);
        cluster.shards.ptr[i].copies = 2;
        cluster.shards.ptr[i].held_by.len = holders;
        cluster.shards.ptr[i].held_by.ptr = calloc(holders + 1, sizeof(Holder));
        for (size_t j = 0; j < holders; j++)
            cluster.shards.ptr[i].held_by.ptr[j] = (Holder){held[i][j] - '0', true};
    }
    placement_plugin_list_tuple2_string_string_t settings = {0};
    exports_ringwright_plugin_placement_list_move_t moves;
    placement_plugin_string_t err;
    static char told[128];
    char *end = told;
    *end = 0;
    CHECK(exports_ringwright_plugin_placement_plan(&cluster, &goal, &settings, &moves, &err));
    for (size_t i = 0; i < moves.len; i++)
        end += sprintf(end, " %u>%u", moves.ptr[i].shard, moves.ptr[i].target);
    exports_ringwright_plugin_placement_list_move_free(&moves);
    return told;
}

static Goal to_place(void) {
    return (Goal){.tag = EXPORTS_RINGWRIGHT_PLUGIN_PLACEMENT_GOAL_PLACE};
}

static Goal to_drain_the_first(void) {
    Goal goal = {.tag = EXPORTS_RINGWRIGHT_PLUGIN_PLACEMENT_GOAL_DRAIN};
    goal.val.drain.ptr = calloc(1, sizeof(uint32_t));
    goal.val.drain.len = 1;
    return goal;
}

int main(void) {
    const char *nobody[] = {"", "", ""}, *some[] = {"01", "02"};
    // Every shard gets its copies, and every node its part.
    CHECK(!strcmp(plan(0, 3, nobody, to_place()), " 0>0 1>1 2>2 0>1 1>2 2>0"));
    // Where room is short, no shard goes without.
    CHECK(!strcmp(plan(1, 3, nobody, to_place()), " 0>0 1>1 2>2"));
    // A node that leaves gives its copies to those that hold none.
    CHECK(!strcmp(plan(0, 2, some, to_drain_the_first()), " 0>2 1>1"));
    if (!failures) puts("3 tests passed");
    return failures != 0;
}
