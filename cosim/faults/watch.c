/* Faults side by side: instance 0 has none, each other one has one of its own. Behind the program of a netlist, with
   the places of the ports and the numbers of their bits as macros (watch.py). Streams are compared transfer by
   transfer: a payload that isn't valid is nobody's, and a transfer that comes later isn't a wrong one. */
typedef uint64_t part __attribute__((may_alias));

typedef struct {
  const uint8_t *currents, *updates, *events; /* bits of the golden transfers; an event for each update */
  long known;                                 /* how many there are of each */
  const int64_t *illegal;                     /* the lowest potential that no update may write, by neuron */
  const uint8_t *traffic;                     /* by clock: 1 a current comes, 2 updates are taken, 4 events are */
  long rows, watch, settle, reset;
} scene;

typedef struct { long clock, taken, given, offered; } moment;

enum { MASKED, LATENT, DELAYED, RECOVERED, WRONG, LOST, DOUBLED, HUNG };
enum { DISORDER = 16, ILLEGAL = 32 };
enum { NOTHING = -LANES };

static const int current_bits[] = {CURRENTS_DATA}, update_bits[] = {UPDATES_DATA}, event_bits[] = {EVENTS_DATA};
#define COUNT(array) ((int)(sizeof(array) / sizeof *(array)))

/* How an instance differs from the first: transfers that it is ahead, events that it still owes, what was wrong. (An
   event that was told before its update, or waits behind it, when the fault comes, is so in the first one too.) */
typedef struct { long taken, given, owed, last; int wrong, flags; } lane;
static __thread lane lanes[WIDTH];

INLINE int bit_of(const slice *x, int number) {
  return (int)(((const part *)x)[number >> 6] >> (number & 63) & 1);
}
INLINE void set_bit(slice *x, int number, int value) {
  part *word = (part *)x + (number >> 6);
  *word = (*word & ~((uint64_t)1 << (number & 63))) | (uint64_t)value << (number & 63);
}
INLINE void flip_bit(slice *x, int number) { ((part *)x)[number >> 6] ^= (uint64_t)1 << (number & 63); }

/* Whether the first bits of a transfer are the golden ones, but for LANES of them from `skipped` on. */
static int same(const slice *out, const int *bits, int first, int count, int skipped, const uint8_t *golden, long index,
                long known, int n) {
  if (index < 0 || index >= known) return 0;
  for (int i = 0; i < first; i++)
    if ((bits[i] < skipped || bits[i] >= skipped + LANES) && bit_of(out + bits[i], n) != golden[index * count + i]) return 0;
  return 1;
}

/* Whether an event is that of the update that comes in this clock or later, or of the one before. */
static int is_event(const scene *s, const slice *out, int first, int skipped, long index, int n) {
  return same(out, event_bits, first, COUNT(event_bits), skipped, s->events, index, s->known, n) ||
         same(out, event_bits, first, COUNT(event_bits), skipped, s->events, index - 1, s->known, n);
}

static int64_t word(const slice *out, int first, int bits, int n) {
  int64_t found = 0;
  for (int i = 0; i < bits; i++) found |= (int64_t)bit_of(out + first + i, n) << i;
  return found;
}

/* One clock of an instance in which something isn't as in the first one. */
static void look(const scene *s, const slice *out, const moment *now, int n, const int *moved, const int *good, int spike) {
  lane *own = &lanes[n];
  const long index = now->given + own->given;
  int own_spike = 0;
  if (moved[1]) {
    own_spike = word(out, UPDATES_SPIKE, LANES, n) != 0;
    if (!same(out, update_bits, COUNT(update_bits), COUNT(update_bits), NOTHING, s->updates, index, s->known, n)) {
      const int64_t neuron = word(out, UPDATES_NEURON, NEURON_BITS, n);
      const int64_t sign = (int64_t)1 << (POTENTIAL_BITS - 1);
      own->wrong = 1, own->last = index + 1;
      if (neuron != index % s->rows * LANES) own->flags |= DISORDER;
      for (int lane = 0; lane < LANES; lane++) {
        const int first = UPDATES_POTENTIAL + lane * POTENTIAL_BITS;
        const int64_t potential = (word(out, first, POTENTIAL_BITS, n) ^ sign) - sign;
        if (neuron + lane >= s->rows * LANES || potential >= s->illegal[neuron + lane]) own->flags |= ILLEGAL;
      }
    }
  }
  if (moved[2] && !is_event(s, out, COUNT(event_bits), NOTHING, index, n)) {
    own->wrong = 1, own->last = index + 1;
    /* Which event it is doesn't depend on a phase, which is behind the rest. */
    if (!is_event(s, out, COUNT(event_bits) - PHASE_BITS, EVENTS_SPIKE, index, n)) own->flags |= DISORDER;
  }
  own->owed += own_spike - moved[2] - (spike - good[2]);
  own->taken += moved[0] - good[0];
  own->given += moved[1] - good[1];
}

static void drive(slice *in, const scene *s, const moment *now, const slice *offered, int traffic, int reset) {
  in[CURRENTS_VALID] = reset ? ALL(0) : *offered;
  in[UPDATES_READY] = ALL(!reset && traffic >> 1 & 1);
  in[EVENTS_READY] = ALL(!reset && traffic >> 2 & 1);
  in[RESET] = ALL(reset);
  const uint8_t *bits = s->currents + (now->taken < s->known ? now->taken : 0) * COUNT(current_bits);
  for (int i = 0; i < COUNT(current_bits); i++) in[current_bits[i]] = ALL(bits[i]);
}

/* Runs faults from one moment, and says what came of each; -1 if the circuit without one isn't the golden model, -2 if
   it doesn't come to rest. */
static int batch(const scene *s, moment now, slice *state, slice *const *memory, int count, uint32_t *verdicts) {
  static __thread slice in[INPUTS], out[OUTPUTS];
  memset(in, 0, sizeof in);
  memset(lanes, 0, sizeof lanes);
  const moment begin = now;
  slice offered = ALL(now.offered), timing = ALL(0), off = ALL(0), later = ALL(0), took = ALL(0), gave = ALL(0), latent = ALL(0);
  for (long k = -s->reset; k < s->watch + s->settle; k++) {
    /* Towards the end nothing pauses, then nothing more comes. */
    const int quiet = k >= s->watch - s->settle, traffic = k < 0 ? 0 : !quiet ? s->traffic[now.clock] : k < s->watch ? 7 : 6;
    offered |= ALL(traffic & 1);
    drive(in, s, &now, &offered, traffic, k < 0);
    if (any(later))
      for (int n = 1; n <= count; n++)
        if (lanes[n].taken) {
          const long index = now.taken + lanes[n].taken;
          const uint8_t *bits = s->currents + (index < 0 || index >= s->known ? 0 : index) * COUNT(current_bits);
          for (int i = 0; i < COUNT(current_bits); i++) set_bit(in + current_bits[i], n, bits[i]);
        }
    advance(in, state, out, memory);
    if (k < 0) continue;
    const slice taken = in[CURRENTS_VALID] & out[CURRENTS_READY], given = out[UPDATES_VALID] & in[UPDATES_READY];
    const slice told = out[EVENTS_VALID] & in[EVENTS_READY];
    const int good[] = {bit_of(&taken, 0), bit_of(&given, 0), bit_of(&told, 0)};
    const int spike = good[1] && word(out, UPDATES_SPIKE, LANES, 0);
    offered &= ~taken;
    if (quiet && k < s->watch) took |= taken, gave |= given;
    const slice moved = (taken ^ ALL(good[0])) | (given ^ ALL(good[1])) | (told ^ ALL(good[2]));
    slice update = ALL(0), event = ALL(0);
    if (now.given >= s->known || now.taken >= s->known) return -2;
    const uint8_t *golden = s->updates + now.given * COUNT(update_bits);
    for (int i = 0; i < COUNT(update_bits); i++) update |= out[update_bits[i]] ^ ALL(golden[i]);
    for (int i = 0; i < COUNT(event_bits); i++) event |= out[event_bits[i]] ^ ALL(bit_of(out + event_bits[i], 0));
    slice odd = moved | (update & given) | (event & told) | off;
    timing |= moved;
    if (bit_of(&odd, 0) || (good[2] && !is_event(s, out, COUNT(event_bits), NOTHING, now.given, 0))) return -1;
    if (any(odd))
      for (int p = 0; p < WIDTH / 64; p++)
        for (uint64_t left = ((const part *)&odd)[p]; left; left &= left - 1) {
          const int n = p * 64 + __builtin_ctzll(left);
          if (n > count) break;
          const int own[] = {bit_of(&taken, n), bit_of(&given, n), bit_of(&told, n)};
          look(s, out, &now, n, own, good, spike);
          set_bit(&off, n, lanes[n].given != 0);
          set_bit(&later, n, lanes[n].taken != 0);
        }
    now.taken += good[0], now.given += good[1], now.clock++;
    if (k == s->watch - 1) {
      for (int i = 0; i < FLIP_FLOPS; i++) latent |= state[i] ^ ALL(bit_of(state + i, 0));
      for (int m = 0; m < MEMORIES; m++)
        for (long i = 0; i < memory_bits[m]; i++) latent |= memory[m][i] ^ ALL(bit_of(memory[m] + i, 0));
    }
  }
  if (now.taken != now.given || !bit_of(&took, 0) || !bit_of(&gave, 0)) return -2;
  for (int n = 1; n <= count; n++) {
    const lane *own = &lanes[n];
    const long open = own->taken - own->given;
    const int differs = bit_of(&latent, n);
    int class = MASKED;
    if (!bit_of(&took, n) || !bit_of(&gave, n)) class = HUNG;
    else if (open > 0 || own->owed > 0) class = LOST;
    else if (open < 0 || own->owed < 0) class = DOUBLED;
    else if (own->wrong) class = differs || s->reset ? WRONG : RECOVERED; /* what is stuck stays so */
    else if (bit_of(&timing, n)) class = DELAYED;
    else if (differs) class = LATENT;
    const long after = own->wrong ? own->last - begin.given : 0;
    verdicts[n - 1] = (uint32_t)(class | own->flags) | (uint32_t)(after < 0 ? 0 : after > 65535 ? 65535 : after) << 16;
  }
  return 0;
}

/* Inverts a bit of one instance: a flip-flop, or a bit of the memories, one after the other behind them. */
static void upset(slice *state, slice *const *memory, long place, int n) {
  if (place < FLIP_FLOPS) {
    flip_bit(state + place, n);
    return;
  }
  place -= FLIP_FLOPS;
  int m = 0;
  while (place >= memory_bits[m]) place -= memory_bits[m++];
  flip_bit(memory[m] + place, n);
}

/* Upsets every place in every clock from a moment on, and leaves the circuit and the moment behind the last one.
   Verdicts are (clocks, places). */
int upsets(const scene *s, moment *now, slice *state, slice *const *memory, slice *other, slice *const *others,
           const int32_t *places, long count, long clocks, uint32_t *verdicts) {
  for (long clock = 0; clock < clocks; clock++) {
    for (long first = 0; first < count; first += WIDTH - 1) {
      const int each = (int)(count - first < WIDTH - 1 ? count - first : WIDTH - 1);
      memcpy(other, state, sizeof *state * FLIP_FLOPS);
      for (int m = 0; m < MEMORIES; m++) memcpy(others[m], memory[m], sizeof **memory * memory_bits[m]);
      for (int n = 0; n < each; n++) upset(other, others, places[first + n], n + 1);
      const int failed = batch(s, *now, other, others, each, verdicts + clock * count + first);
      if (failed) return failed;
    }
    static __thread slice in[INPUTS], out[OUTPUTS];
    memset(in, 0, sizeof in);
    const int traffic = s->traffic[now->clock];
    now->offered |= traffic & 1;
    const slice offered = ALL(now->offered);
    drive(in, s, now, &offered, traffic, 0);
    advance(in, state, out, memory);
    const int taken = now->offered && bit_of(out + CURRENTS_READY, 0);
    now->taken += taken, now->offered &= !taken, now->clock++;
    now->given += bit_of(out + UPDATES_VALID, 0) && traffic >> 1 & 1;
  }
  return 0;
}

/* Runs what is injected into the nets of each instance, from the first clock on. */
int stuck(const scene *s, slice *state, slice *const *memory, int count, uint32_t *verdicts) {
  const moment begin = {0, 0, 0, 0};
  return batch(s, begin, state, memory, count, verdicts);
}
