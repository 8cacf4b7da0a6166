// A whole board in Verilator: its UART pins are standard input and output, and its clock runs as fast as it can.
//
// Arguments: clocks per bit of the UART, a file for what the LEDs show: a line "CLOCK running passed failed" for each
// change. It ends with its standard input.

#include <cerrno>
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <poll.h>
#include <unistd.h>

#include "Vqlif_board.h"
#include "verilated.h"

namespace {

// With nothing on the line and no LED that says it is running, time stands still after so many clocks.
constexpr uint64_t rest = 1 << 18;

bool ready(int file, short event, int milliseconds) {
    pollfd asked{file, event, 0};
    return poll(&asked, 1, milliseconds) > 0;
}

}  // namespace

int main(int argc, char **argv) {
    if (argc < 4) return 2;
    const unsigned divisor = std::strtoul(argv[1], nullptr, 10);
    std::FILE *leds = std::fopen(argv[2], "w");
    // Which LEDs are lit by low, a bit each in the order of the file.
    const unsigned lit_by_low = std::strtoul(argv[3], nullptr, 10);
    if (!leds || divisor == 0) return 2;
    VerilatedContext context;
    Vqlif_board top{&context};
    top.rx = 1;
    uint64_t clock = 0, active = 0;
    // Bits that are still to be sent and received, and clocks until the next one's.
    unsigned sending = 0, send_in = 0, receiving = 0, receive_in = 0, look_in = 4096;
    uint32_t out = 0, in = 0, shown = ~0u;
    while (true) {
        // The models of block RAM tell by the time whether a word is read while it is written.
        context.timeInc(1);
        top.clk = 0;
        top.eval();
        context.timeInc(1);
        top.clk = 1;
        top.eval();
        ++clock;
        const uint32_t lit = (top.led_running | top.led_passed << 1 | top.led_failed << 2) ^ lit_by_low;
        if (lit != shown) {
            std::fprintf(leds, "%" PRIu64 " %u %u %u\n", clock, lit & 1, lit >> 1 & 1, lit >> 2);
            std::fflush(leds);
            shown = lit;
        }
        if (lit & 1) active = clock;

        // To the board.
        if (sending > 0) {
            if (send_in-- == 0) {
                top.rx = out & 1;
                out >>= 1;
                send_in = divisor - 1;
                --sending;
                active = clock;
            }
        } else if (send_in > 0) {
            --send_in;  // the stop bit
        } else if (look_in-- == 0) {
            look_in = divisor;
            if (ready(0, POLLIN, clock - active > rest ? 100 : 0)) {
                uint8_t byte;
                const ssize_t count = read(0, &byte, 1);
                if (count == 1) {
                    out = byte << 1 | 1 << 9;
                    sending = 10;
                    active = clock;
                } else if (count == 0 || (errno != EAGAIN && errno != EINTR)) {
                    break;
                }
            }
        }

        // From the board, each bit in its middle.
        if (receiving == 0) {
            if (!top.tx) {
                receiving = 10;
                receive_in = divisor / 2;
            }
        } else if (receive_in-- == 0) {
            in = in >> 1 | uint32_t{top.tx} << 9;
            receive_in = divisor - 1;
            active = clock;
            if (--receiving == 0 && in >> 9) {
                const uint8_t byte = in >> 1;
                // A host that doesn't read loses it, as on a real line.
                if (ready(1, POLLOUT, 0) && write(1, &byte, 1) < 0 && errno == EIO) break;
            }
        }
    }
    top.final();
    return std::fclose(leds) == 0 ? 0 : 2;
}
