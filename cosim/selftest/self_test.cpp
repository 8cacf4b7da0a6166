// The self-test in a bare Verilator loop: nothing wakes up but the model.
//
// Arguments: timesteps, timesteps between checkpoints, in how many of 256 clocks each stream pauses. On standard
// output, a line for each:
//   checkpoint TIMESTEP SIGNATURE    the signature when so many timesteps are in it
//   running TIMESTEP SIGNATURE       the same, after many clocks without a checkpoint
//   done TIMESTEP SIGNATURE CLOCKS   the run is over
//   stuck TIMESTEP SIGNATURE CLOCKS  for a long time nothing has come out any more
//   saved TIMESTEP SIGNATURE CLOCKS  it ends here; another run goes on from the state that it has saved
// Built with QLIF_SAVABLE it takes further arguments: the checkpoint at which it saves its state and ends, or 0; the
// file for that; and the file of the state that it begins with, or nothing.
// Built with QLIF_OBSERVED it can look at what comes out, and ends soon after the first checkpoint. Further arguments: the first row of updates to keep
// and how many, the first event to keep and how many, a file for each, the first clock with waves and how
// many, a file for the waves.

#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "Vqlif_self_test.h"
#include "verilated.h"
#ifdef QLIF_OBSERVED
#include "qlif_observed.h"
#include "verilated_vcd_c.h"
#endif
#ifdef QLIF_SAVABLE
#include "verilated_save.h"
#endif

namespace {

// After so many clocks without a change of the signature, nothing more is to be expected.
constexpr uint64_t patience = 1 << 22;

// So often it tells that it goes on.
constexpr uint64_t heartbeat = 1 << 22;

void show(const char *what, const Vqlif_self_test &top) {
    std::printf("%s %u %08x%08x%08x%08x", what, top.timestep, top.signature[3], top.signature[2], top.signature[1],
                top.signature[0]);
}

uint64_t number(const char *text) { return std::strtoull(text, nullptr, 10); }

#ifdef QLIF_OBSERVED
// For so many clocks after the last update, events may follow.
constexpr uint64_t linger = 1 << 16;

// A file for some of the transfers of a stream.
struct Kept {
    uint64_t first, end, seen = 0;
    std::FILE *file;
    Kept(const char *from, const char *count, const char *path)
        : first{number(from)}, end{first + number(count)}, file{std::fopen(path, "wb")} {
        if (!file) std::exit(2);
    }
    bool is_due() {
        const uint64_t present = seen++;
        return present >= first && present < end;
    }
};
#endif

}  // namespace

int main(int argc, char **argv) {
    if (argc < 4) return 2;
    const uint32_t timesteps = number(argv[1]);
    const uint32_t interval = number(argv[2]);
    VerilatedContext context;
    Vqlif_self_test top{&context};
#ifdef QLIF_OBSERVED
    if (argc < 13) return 2;
    Kept updates{argv[4], argv[5], argv[8]}, events{argv[6], argv[7], argv[9]};
    const uint64_t waves_from = number(argv[10]), waves_to = waves_from + number(argv[11]);
    context.traceEverOn(true);
    VerilatedVcdC waves;
    top.trace(&waves, 99);
    waves.open(argv[12]);
#endif
    top.start = 0;
    top.timesteps = timesteps;
    top.stalls = number(argv[3]);
    top.rst = 1;
    uint64_t clocks = 0, changed = 0, next = interval;
#ifdef QLIF_OBSERVED
    uint64_t end = 0;
#endif
    uint32_t before = 0;
    bool stuck = false, saved = false;
#ifdef QLIF_SAVABLE
    if (argc < 7) return 2;
    const uint64_t stop = number(argv[4]);
    if (*argv[6]) {
        VerilatedRestore state;
        state.open(argv[6]);
        if (!state.isOpen()) return 2;
        uint64_t time;
        state >> time >> clocks >> changed >> next >> before >> top;
        state.close();
        // What the models keep of it is before the time that goes on.
        context.time(time);
        top.timesteps = timesteps;
    }
#endif
    while (true) {
        // The models of block RAM tell by the time whether a word is read while it is written.
        context.timeInc(1);
        top.clk = 0;
        top.eval();
#ifdef QLIF_OBSERVED
        const bool shown = clocks >= waves_from && clocks < waves_to;
        if (shown) waves.dump(2 * clocks);
        const bool started = clocks >= 8;
        const bool update = started && top.updates_valid && top.updates_ready;
        const bool event = started && top.events_valid && top.events_ready;
        if (update && updates.is_due()) qlif_keep_update(top, clocks, updates.file);
        if (event && events.is_due()) qlif_keep_event(top, clocks, events.file);
#endif
        context.timeInc(1);
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
#ifdef QLIF_SAVABLE
            saved = stop && next > stop;
            if (saved) break;
#endif
#ifdef QLIF_OBSERVED
            if (end == 0) end = clocks + linger;
#endif
        }
#ifdef QLIF_OBSERVED
        if (clocks == end) break;
#endif
        if (top.done) break;
        if ((clocks & (heartbeat - 1)) == 0) {
            show("running", top);
            std::printf("\n");
            std::fflush(stdout);
        }
        if ((clocks & 0xffff) == 0) {
            if (top.signature[0] != before) changed = clocks;
            before = top.signature[0];
            stuck = clocks - changed > patience;
            if (stuck) break;
        }
    }
#ifdef QLIF_SAVABLE
    if (saved) {
        VerilatedSave state;
        state.open(argv[5]);
        if (!state.isOpen()) return 2;
        const uint64_t time = context.time();
        state << time << clocks << changed << next << before << top;
        state.close();
    }
#endif
    show(stuck ? "stuck" : saved ? "saved" : "done", top);
    std::printf(" %" PRIu64 "\n", clocks);
    top.final();
#ifdef QLIF_OBSERVED
    waves.close();
    if (std::fclose(updates.file) != 0 || std::fclose(events.file) != 0) return 2;
#endif
    return 0;
}
