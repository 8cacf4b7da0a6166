// Runs the self-test of a netlist with faults behind a selector, one fault after the other, and says how it ends
// with each.
//
// Arguments: timesteps, timesteps between checkpoints, a file with the golden signatures as words of 64 bits: of
// the updates at each checkpoint, and last of the events at the end. The numbers of faults on standard input; a line
// for each: number, then 0 for the right signature, 1 for a wrong one, 2 for no end.

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <memory>
#include <vector>

#include "Vqlif_self_test.h"
#include "verilated.h"

namespace {

// In so many of 256 clocks each stream pauses, for the timesteps between two checkpoints each.
constexpr std::uint8_t pauses[] = {0, 64, 128, 240};

// After so many clocks without a timestep, nothing more is to be expected.
constexpr std::uint64_t patience = 1 << 16;

enum End { right, wrong, stuck };

std::uint64_t half(const Vqlif_self_test &top, int which) {
    return top.signature[2 * which] | std::uint64_t{top.signature[2 * which + 1]} << 32;
}

void clock(Vqlif_self_test &top) {
    top.clk = 0;
    top.eval();
    top.clk = 1;
    top.eval();
}

End run(unsigned long fault, std::uint32_t timesteps, std::uint32_t interval, const std::vector<std::uint64_t> &golden) {
    // Each fault starts with a circuit that was just switched on.
    const std::unique_ptr<VerilatedContext> context{new VerilatedContext};
    const std::unique_ptr<Vqlif_self_test> top{new Vqlif_self_test{context.get()}};
    top->mutant = fault;
    top->timesteps = timesteps;
    top->stalls = 0;
    // Reset for a few clocks, then one start.
    for (int count = 0; count < 8; ++count) {
        top->rst = count < 4;
        top->start = count == 5;
        clock(*top);
    }
    std::uint64_t clocks = 0, moved = 0;
    std::uint32_t before = 0;
    while (!top->done) {
        clock(*top);
        ++clocks;
        if (top->timestep != before) {
            before = top->timestep;
            moved = clocks;
            // Neither often nor seldom alone shows everything that waits.
            top->stalls = pauses[before / interval % std::size(pauses)];
            if (before > timesteps) return wrong;
            // The updates' signature and the number of timesteps come from the same clock, whatever the fault.
            if (before % interval == 0 && half(*top, 0) != golden[before / interval - 1]) return wrong;
        }
        if (clocks - moved > patience) return stuck;
    }
    const bool same = half(*top, 0) == golden[timesteps / interval - 1] && half(*top, 1) == golden.back();
    return same ? right : wrong;
}

}  // namespace

int main(int argc, char **argv) {
    if (argc != 4) return 2;
    const std::uint32_t timesteps = std::strtoul(argv[1], nullptr, 10);
    const std::uint32_t interval = std::strtoul(argv[2], nullptr, 10);
    std::vector<std::uint64_t> golden(timesteps / interval + 1);
    std::FILE *file = std::fopen(argv[3], "rb");
    if (!file || std::fread(golden.data(), sizeof golden[0], golden.size(), file) != golden.size()) return 2;
    std::fclose(file);
    unsigned long fault;
    while (std::scanf("%lu", &fault) == 1) {
        std::printf("%lu %d\n", fault, run(fault, timesteps, interval, golden));
        std::fflush(stdout);
    }
    return 0;
}
