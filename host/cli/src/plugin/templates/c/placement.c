// {{name}}: a copy goes to the server that holds the fewest.

#include "bindings/placement_plugin.h"

#include <stdlib.h>

// The generated names are long; these are what they are called here.
typedef exports_ringwright_plugin_placement_description_t Description;
typedef exports_ringwright_plugin_placement_cluster_t Cluster;
typedef exports_ringwright_plugin_placement_goal_t Goal;
typedef exports_ringwright_plugin_placement_node_t Node;
typedef exports_ringwright_plugin_placement_shard_t Shard;
typedef exports_ringwright_plugin_placement_move_t Move;
typedef exports_ringwright_plugin_placement_list_move_t Moves;
typedef placement_plugin_list_u32_t Nodes;

// The cluster as the moves so far leave it.
typedef struct {
    Cluster *cluster;
    bool *holds;       // whether a node holds a copy of a shard: one a node, shard after shard
    uint32_t *load;    // copies a node holds
    uint32_t *copies;  // copies a shard has
    Moves moves;
} Board;

// How well a node suits as the next holder of a copy: of those that may have it, the lowest gets
// it. This is the policy; all else is what the contract asks of any.
static uint32_t rank(const Board *board, uint32_t node) {
    return board->load[node];
}

// What follows hands it to the host. The rule of memory: what is handed in is ours to free, and
// what we hand back the host frees, so it must be allocated, texts too.

static void *allocate(size_t count, size_t size) {
    if (count == 0) return NULL;
    void *memory = calloc(count, size);
    if (!memory) abort();
    return memory;
}

static bool *holds(const Board *board, uint32_t shard, uint32_t node) {
    return &board->holds[shard * board->cluster->nodes.len + node];
}

static bool among(const Nodes *nodes, uint32_t node) {
    for (size_t i = 0; nodes && i < nodes->len; i++)
        if (nodes->ptr[i] == node) return true;
    return false;
}

// Whether a node may get a copy: it accepts, has room, and holds none of this shard.
static bool takes(const Board *board, uint32_t node, uint32_t shard) {
    const Node *told = &board->cluster->nodes.ptr[node];
    bool has_room = !told->capacity.is_some || board->load[node] < told->capacity.val;
    return told->accepts && has_room && !*holds(board, shard, node);
}

// A copy for the best of the nodes that may have it. `source` gives its own up for it, unless it
// is NULL.
static void give(Board *board, uint32_t shard, const uint32_t *source, const Nodes *except) {
    uint32_t nodes = board->cluster->nodes.len, target = nodes;
    // Beginning elsewhere for each shard, so that of equals not all go to the first.
    for (uint32_t i = 0; i < nodes; i++) {
        uint32_t node = (shard + i) % nodes;
        bool may = takes(board, node, shard) && !among(except, node);
        if (may && (target == nodes || rank(board, node) < rank(board, target))) target = node;
    }
    if (target == nodes) return;
    Move *move = &board->moves.ptr[board->moves.len++];
    *move = (Move){.shard = shard, .target = target, .gain = 1};
    placement_plugin_string_dup(&move->reason, "of those that may have it, it holds the fewest");
    if (source) {
        move->source.is_some = true;
        move->source.val = *source;
        *holds(board, shard, *source) = false;
        board->load[*source]--;
        board->copies[shard]--;
    }
    *holds(board, shard, target) = true;
    board->load[target]++;
    board->copies[shard]++;
}

// Gives every shard its first copy, then its second, and so on: where room is short, none goes
// without while another has two.
static void place(Board *board) {
    bool more = true;
    for (uint32_t copies = 1; more; copies++) {
        more = false;
        for (uint32_t shard = 0; shard < board->cluster->shards.len; shard++) {
            uint32_t wanted = board->cluster->shards.ptr[shard].copies;
            more |= copies < wanted;
            if (copies <= wanted && board->copies[shard] < copies) give(board, shard, NULL, NULL);
        }
    }
}

// Moves every copy off the nodes that leave, to others than these.
static void drain(Board *board, const Nodes *leaving) {
    for (uint32_t shard = 0; shard < board->cluster->shards.len; shard++)
        for (size_t i = 0; i < leaving->len; i++)
            if (*holds(board, shard, leaving->ptr[i]))
                give(board, shard, &leaving->ptr[i], leaving);
}

static Board board_of(Cluster *cluster) {
    size_t nodes = cluster->nodes.len, shards = cluster->shards.len;
    Board board = {
        .cluster = cluster,
        .holds = allocate(nodes * shards, sizeof(bool)),
        .load = allocate(nodes, sizeof(uint32_t)),
        .copies = allocate(shards, sizeof(uint32_t)),
        // No plan has more moves: each gives some node a copy of a shard.
        .moves = {.ptr = allocate(nodes * shards, sizeof(Move))},
    };
    for (uint32_t shard = 0; shard < shards; shard++) {
        const Shard *told = &cluster->shards.ptr[shard];
        board.copies[shard] = told->held_by.len;
        for (size_t i = 0; i < told->held_by.len; i++) {
            uint32_t node = told->held_by.ptr[i].node;
            *holds(&board, shard, node) = true;
            board.load[node]++;
        }
    }
    return board;
}

void exports_ringwright_plugin_placement_describe(Description *ret) {
    placement_plugin_string_dup(&ret->name, "{{name}}");
    placement_plugin_string_dup(&ret->version, "0.1.0");
    placement_plugin_string_dup(&ret->summary, "A copy goes to the server that holds the fewest");
    placement_plugin_string_dup(&ret->reference, "Where the idea comes from: a paper, an address");
    // What an operator may set. The values come with each question, as texts.
    ret->settings.ptr = NULL;
    ret->settings.len = 0;
}

// The moves that reach the goal. The host checks each against those before it, and refuses a plan
// that stops short while there is room.
bool exports_ringwright_plugin_placement_plan(
    Cluster *cluster, Goal *goal, placement_plugin_list_tuple2_string_string_t *settings,
    Moves *ret, placement_plugin_string_t *err) {
    (void)err; // a sentence, where it cannot be done: then the answer is false
    Board board = board_of(cluster);
    switch (goal->tag) {
    case EXPORTS_RINGWRIGHT_PLUGIN_PLACEMENT_GOAL_PLACE: place(&board); break;
    case EXPORTS_RINGWRIGHT_PLUGIN_PLACEMENT_GOAL_DRAIN: drain(&board, &goal->val.drain); break;
    default: break; // toward balance: no move is always lawful, and each costs a copy of a shard
    }
    *ret = board.moves;
    if (ret->len == 0) free(ret->ptr); // the host frees what has something in it
    free(board.holds);
    free(board.load);
    free(board.copies);
    exports_ringwright_plugin_placement_cluster_free(cluster);
    exports_ringwright_plugin_placement_goal_free(goal);
    placement_plugin_list_tuple2_string_string_free(settings);
    return true;
}
