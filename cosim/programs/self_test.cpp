// The self-test in a bare Verilator loop: nothing wakes up but the model.
//
// Arguments: timesteps, timesteps between checkpoints. On standard output, a line for each:
//   checkpoint TIMESTEP SIGNATURE    the signature when so many timesteps are in it
//   done TIMESTEP SIGNATURE CLOCKS   the run is over
//   stuck TIMESTEP SIGNATURE CLOCKS  for a long time nothing has come out any more
// Observing (built with QLIF_OBSERVED), further arguments: first timestep to keep, last, file for the
// updates, first timestep with waves, last, file for the waves (- for none).

#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "Vqlif_self_test.h"
#include "verilated.h"
#ifdef QLIF_OBSERVED
#include "qlif_observed.h"
#include "verilated_vcd_c.h"
#endif

namespace {

// After so many clocks without a change of the signature, nothing more is to be expected.
constexpr uint64_t patience = 1 << 22;

void show(const char *what, const Vqlif_self_test &top) {
    std::printf("%s %u %08x%08x%08x%08x", what, top.timestep, top.signature[3], top.signature[2], top.signature[1],
                top.signature[0]);
}

}  // namespace

int main(int argc, char **argv) {
    if (argc < 3) return 2;
    const uint32_t timesteps = std::strtoul(argv[1], nullptr, 10);
    const uint32_t interval = std::strtoul(argv[2], nullptr, 10);
    VerilatedContext context;
    Vqlif_self_test top{&context};
#ifdef QLIF_OBSERVED
    if (argc < 9) return 2;
    const uint64_t keep_from = std::strtoull(argv[3], nullptr, 10), keep_to = std::strtoull(argv[4], nullptr, 10);
    const uint64_t waves_from = std::strtoull(argv[6], nullptr, 10), waves_to = std::strtoull(argv[7], nullptr, 10);
    std::FILE *kept = std::fopen(argv[5], "wb");
    if (!kept) return 2;
    context.traceEverOn(true);
    VerilatedVcdC waves;
    const bool with_waves = std::strcmp(argv[8], "-") != 0;
    if (with_waves) {
        top.trace(&waves, 99);
        waves.open(argv[8]);
    }
#endif
    top.start = 0;
    top.timesteps = timesteps;
    top.rst = 1;
    uint64_t clocks = 0, changed = 0, next = interval;
    uint32_t before = 0;
    bool stuck = false;
    while (true) {
        top.clk = 0;
        top.eval();
#ifdef QLIF_OBSERVED
        const bool shown = with_waves && top.timestep >= waves_from && top.timestep <= waves_to;
        if (shown) waves.dump(2 * clocks);
        if (clocks > 4 && top.timestep >= keep_from && top.timestep <= keep_to) qlif_keep(top, kept);
#endif
        top.clk = 1;
        top.eval();
#ifdef QLIF_OBSERVED
        if (shown) waves.dump(2 * clocks + 1);
#endif
        ++clocks;
        if (clocks < 8) {
            // Reset for a few clocks, then one start.
            top.rst = clocks < 4;
            top.start = clocks == 5;
            continue;
        }
        if (top.timestep >= next) {
            show("checkpoint", top);
            std::printf("\n");
            std::fflush(stdout);
            next += interval;
        }
        if (top.done) break;
        if ((clocks & 0xffff) == 0) {
            if (top.signature[0] != before) changed = clocks;
            before = top.signature[0];
            stuck = clocks - changed > patience;
            if (stuck) break;
        }
    }
    show(stuck ? "stuck" : "done", top);
    std::printf(" %" PRIu64 "\n", clocks);
    top.final();
#ifdef QLIF_OBSERVED
    if (with_waves) waves.close();
    if (std::fclose(kept) != 0) return 2;
#endif
    return 0;
}
