// A population in a bare Verilator loop: what the self-test's speed is measured against.
//
// Argument: how many updates. On standard output: the updates, a number that depends on all of them (so that
// none can be left out), the clocks.

#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "Vqlif_population.h"
#include "verilated.h"

int main(int argc, char **argv) {
    if (argc < 2) return 2;
    const uint64_t wanted = std::strtoull(argv[1], nullptr, 10);
    VerilatedContext context;
    Vqlif_population top{&context};
    top.rst = 1;
    top.currents_valid = 0;
    top.updates_ready = 1;
    top.events_ready = 1;
    for (int clock = 0; clock < 4; ++clock) {
        top.clk = 0;
        top.eval();
        top.clk = 1;
        top.eval();
    }
    top.rst = 0;
    top.currents_valid = 1;
    uint64_t seen = 0, clocks = 0, sum = 0;
    uint32_t random = 1;
    while (seen < wanted) {
        // Around and above rheobase, another one in each clock.
        random = random * 1664525u + 1013904223u;
        top.currents_data = 12000 + (random >> 18);
        top.clk = 0;
        top.eval();
        if (top.updates_valid) {
            sum += top.updates_potential + top.updates_spike;
            ++seen;
        }
        top.clk = 1;
        top.eval();
        ++clocks;
    }
    std::printf("%" PRIu64 " %" PRIu64 " %" PRIu64 "\n", seen, sum, clocks);
    top.final();
    return 0;
}
