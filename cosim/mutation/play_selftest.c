/* Runs the self-test of instances with a fault each, and says how it ends in each. Behind the program of the self-test's
   netlist (play_selftest.py), with the places of its ports as macros. */
typedef uint64_t part __attribute__((may_alias));

enum { RIGHT, WRONG, STUCK };

/* Counted in clocks behind the start: when the last timestep came. */
typedef struct { int64_t moved[WIDTH]; slice timestep[TIMESTEP_BITS]; } run_of;

int run_bytes(void) { return (int)sizeof(run_of); }

static uint64_t word(const slice *out, int bits, int n) {
  uint64_t found = 0;
  for (int i = 0; i < bits; i++) found |= (((const part *)(out + i))[n >> 6] >> (n & 63) & 1) << i;
  return found;
}

/* How often each stream pauses, by the timesteps between two checkpoints: each instance by its own. */
static void pause(slice *in, const slice *timestep, int interval_bits, const uint8_t *pauses, int pause_bits) {
  for (int bit = 0; bit < STALLS_BITS; bit++) in[STALLS + bit] = ALL(0);
  for (int which = 0; which < 1 << pause_bits; which++) {
    slice here = ALL(1);
    for (int i = 0; i < pause_bits; i++) here &= ~(timestep[interval_bits + i] ^ ALL(which >> i & 1));
    for (int bit = 0; bit < STALLS_BITS; bit++)
      if (pauses[which] >> bit & 1) in[STALLS + bit] |= here;
  }
}

/* Clocks `begin` to `end` behind the start. The signature of the updates is compared with `golden` every
   2^interval_bits timesteps, that of the events with the number behind them in the end. An instance of `open` whose
   end is known leaves it. Returns how many are left. */
int play(slice *in, slice *state, slice *const *memory, run_of *run, long begin, long end, uint64_t timesteps,
         int interval_bits, const uint8_t *pauses, int pause_bits, const uint64_t *golden, long patience, slice *open,
         int64_t *findings) {
  slice out[OUTPUTS];
  const uint64_t points = timesteps >> interval_bits;
  for (long clock = begin; clock < end; clock++) {
    pause(in, run->timestep, interval_bits, pauses, pause_bits);
    advance(in, state, out, memory);
    /* A clock's outputs are seen before its edge: those of the clock before, behind its edge. */
    slice changed = ALL(0);
    for (int i = 0; i < TIMESTEP_BITS; i++) {
      changed |= run->timestep[i] ^ out[TIMESTEP + i];
      run->timestep[i] = out[TIMESTEP + i];
    }
    slice looked = (changed | out[DONE]) & *open;
    if (clock % 64 == 63) looked = *open;
    if (!any(looked)) continue;
    for (int part_ = 0; part_ < WIDTH / 64; part_++)
      for (uint64_t left = ((const part *)&looked)[part_]; left; left &= left - 1) {
        const int bit = __builtin_ctzll(left), n = part_ * 64 + bit;
        int found = -1;
        const int done = ((const part *)(out + DONE))[part_] >> bit & 1;
        if (((const part *)&changed)[part_] >> bit & 1) {
          const uint64_t timestep = word(run->timestep, TIMESTEP_BITS, n), point = timestep >> interval_bits;
          run->moved[n] = clock;
          if (timestep > timesteps) found = WRONG;
          else if (point && timestep == point << interval_bits && word(out + SIGNATURE, 64, n) != golden[point - 1])
            found = WRONG;
        }
        if (found < 0 && done) {
          const int right = word(out + SIGNATURE, 64, n) == golden[points - 1] &&
                            word(out + SIGNATURE + 64, 64, n) == golden[points];
          found = right ? RIGHT : WRONG;
        }
        if (found < 0 && clock - run->moved[n] > patience) found = STUCK;
        if (found < 0) continue;
        findings[n] = found;
        ((part *)open)[part_] &= ~((uint64_t)1 << bit);
      }
  }
  int left = 0;
  for (int part_ = 0; part_ < WIDTH / 64; part_++) left += __builtin_popcountll(((const part *)open)[part_]);
  return left;
}
