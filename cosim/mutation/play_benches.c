/* Plays recorded clocks to instances with a fault each, and says where each first differs from the record. Behind the
   program of a netlist (play_benches.py), with macros: PLAYED and SEEN, the places of the bits that are recorded; ENDS
   and SHOWN, for each output where its bits end among those, and the bit that says whether it counts, or -1. */
typedef uint64_t part __attribute__((may_alias));

static const int played[] = {PLAYED}, seen[] = {SEEN}, ends[] = {ENDS}, shown[] = {SHOWN};
#define COUNT(array) ((int)(sizeof(array) / sizeof *(array)))

/* Clocks `begin` to `end`. `given` and `expected` have a byte for each bit; `looks` says in which clocks a bench looks
   at the outputs. An instance of `open` that differs leaves it, with the clock and the output. Returns how many are
   left. */
int play(slice *in, slice *state, slice *const *memory, const uint8_t *given, const uint8_t *expected,
         const uint8_t *looks, long begin, long end, slice *open, int64_t *clocks, int64_t *findings) {
  slice out[OUTPUTS];
  for (long clock = begin; clock < end; clock++) {
    const uint8_t *bits = given + clock * COUNT(played);
    for (int i = 0; i < COUNT(played); i++) in[played[i]] = ALL(bits[i]);
    advance(in, state, out, memory);
    if (!looks[clock]) continue;
    bits = expected + clock * COUNT(seen);
    slice differing[COUNT(ends)], all = ALL(0);
    for (int port = 0, i = 0; port < COUNT(ends); port++) {
      slice found = ALL(0);
      for (; i < ends[port]; i++) found |= out[seen[i]] ^ ALL(bits[i]);
      /* What a stream shows while it isn't valid is nobody's. */
      differing[port] = found & *open & (shown[port] < 0 ? ALL(1) : out[shown[port]]);
      all |= differing[port];
    }
    if (!any(all)) continue;
    for (int word = 0; word < WIDTH / 64; word++)
      for (uint64_t left = ((const part *)&all)[word]; left; left &= left - 1) {
        const int bit = __builtin_ctzll(left), n = word * 64 + bit;
        int port = 0;
        while (!(((const part *)(differing + port))[word] >> bit & 1)) port++;
        clocks[n] = clock, findings[n] = port;
      }
    *open &= ~all;
  }
  int left = 0;
  for (int word = 0; word < WIDTH / 64; word++) left += __builtin_popcountll(((const part *)open)[word]);
  return left;
}
