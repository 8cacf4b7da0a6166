// Plays recorded clocks into a netlist with faults behind a selector, one fault after the other, and says
// where each first differs from the record. Generated beside it: ports.h, which knows the ports.

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <vector>

#include "verilated.h"

using Word = std::uint64_t;

// ports.h defines the module's class Mutated, the numbers of words INPUTS and OUTPUTS of a clock, drive(top, words) and
// differs(top, words): the first output that isn't as recorded, or -1. What a stream shows while it isn't
// valid is nobody's.
#include "ports.h"

// A clock is its inputs, its outputs, and two bits: whether a bench looks at the outputs, and whether the circuit was
// just switched on.
constexpr int ROW = INPUTS + OUTPUTS + 1;

static std::vector<Word> read(const char* path) {
    std::vector<Word> words;
    std::FILE* file = std::fopen(path, "rb");
    if (!file) {
        std::fprintf(stderr, "%s can't be read\n", path);
        std::exit(2);
    }
    Word block[4096];
    while (std::size_t count = std::fread(block, sizeof(Word), 4096, file)) {
        words.insert(words.end(), block, block + count);
    }
    std::fclose(file);
    return words;
}

// Usage: replay RECORD, with the numbers of faults on standard input; a line for each: number, clock, output.
int main(int argc, char** argv) {
    if (argc != 2) return 2;
    const std::vector<Word> record = read(argv[1]);
    const std::size_t clocks = record.size() / ROW;
    unsigned long fault;
    while (std::scanf("%lu", &fault) == 1) {
        const std::unique_ptr<VerilatedContext> context{new VerilatedContext};
        std::unique_ptr<Mutated> top;
        std::size_t clock = 0;
        int output = -1;
        for (; clock < clocks; ++clock) {
            const Word* words = &record[clock * ROW];
            if (words[ROW - 1] & 2) {
                top.reset(new Mutated{context.get()});
                top->mutant = fault;
                top->clk = 0;
            }
            drive(*top, words);
            top->eval();
            if ((words[ROW - 1] & 1) && (output = differs(*top, words + INPUTS)) >= 0) break;
            top->clk = 1;
            top->eval();
            top->clk = 0;
        }
        std::printf("%lu %zu %d\n", fault, clock, output);
        std::fflush(stdout);
    }
    return 0;
}
