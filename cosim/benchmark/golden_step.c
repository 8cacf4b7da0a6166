// The yardstick of `qlif bench`: the golden step of the square form, with scaled currents and rounding to
// nearest, as one writes it in C for speed. Types, shifts and parameters are given when it is compiled.
// Refractory counters that no spike could have left behind aren't brought into range: a run has none.
#include <stdint.h>

static inline SUM saturated(SUM value) { return value > HIGH ? HIGH : value < LOW ? LOW : value; }

// static: the C library has a function of this name, which would be called in its place.
static void step(POTENTIAL *restrict potential, REFRACTORY *restrict refractory, TRACE *restrict trace,
                 uint8_t *restrict spike, const CURRENT *restrict current, long neurons) {
    for (long i = 0; i < neurons; i++) {
        SUM before = potential[i];
        SUM total = before * before * ((SUM)1 << QUADRATIC_UP) + current[i] * ((SUM)1 << DRIVE_UP) + OFFSET;
        SUM after = saturated(before + (total >> SUM_DOWN));
        after = refractory[i] ? before : after;
        uint8_t fired = after >= THRESHOLD;
        REFRACTORY counted = refractory[i] ? refractory[i] - 1 : 0;
        refractory[i] = fired ? PERIOD : counted;
        potential[i] = fired ? RESET : after;
        spike[i] = fired;
#ifdef WITH_TRACE
        trace[i] = fired ? TRACE_SPIKE : ((uint32_t)trace[i] * DECAY) >> DECAY_DOWN;
#endif
    }
}

// One timestep after the other, over all neurons.
void run(POTENTIAL *potential, REFRACTORY *refractory, TRACE *trace, uint8_t *spike, const CURRENT *current,
         long timesteps, long neurons) {
    for (long timestep = 0; timestep < timesteps; timestep++)
        step(potential, refractory, trace, spike, current + timestep * neurons, neurons);
}

// Neurons in blocks, each over all timesteps: what can be done where the whole input is known.
void run_blocked(POTENTIAL *potential, REFRACTORY *refractory, TRACE *trace, uint8_t *spike,
                 const CURRENT *current, long timesteps, long neurons, long block) {
    for (long first = 0; first < neurons; first += block) {
        long count = neurons - first < block ? neurons - first : block;
        for (long timestep = 0; timestep < timesteps; timestep++)
            step(potential + first, refractory + first, trace + first, spike + first,
                 current + timestep * neurons + first, count);
    }
}
