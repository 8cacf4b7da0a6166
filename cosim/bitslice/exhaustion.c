// Compares bit slices with the golden model's words: the first row of 512 or fewer that differs, or -1.
#include <stdint.h>
#include <string.h>
#define PARTS (WIDTH / 64)
#if defined(__AVX512BW__)
#include <immintrin.h>
#endif

/* 64 words' bit `bit`. */
static inline uint64_t bits16(const int16_t *words, int bit) {
#if defined(__AVX512BW__)
  const __m128i shift = _mm_cvtsi32_si128(15 - bit);
  const uint64_t low = _mm512_movepi16_mask(_mm512_sll_epi16(_mm512_loadu_si512(words), shift));
  const uint64_t high = _mm512_movepi16_mask(_mm512_sll_epi16(_mm512_loadu_si512(words + 32), shift));
  return low | high << 32;
#else
  uint64_t found = 0;
  for (int i = 0; i < 64; i++) found |= (uint64_t)(((uint16_t)words[i] >> bit) & 1) << i;
  return found;
#endif
}
static inline uint64_t bits32(const int32_t *words, int bit) {
  uint64_t found = 0;
#if defined(__AVX512BW__)
  const __m128i shift = _mm_cvtsi32_si128(31 - bit);
  for (int i = 0; i < 4; i++)
    found |= (uint64_t)_mm512_movepi32_mask(_mm512_sll_epi32(_mm512_loadu_si512(words + 16 * i), shift)) << (16 * i);
#else
  for (int i = 0; i < 64; i++) found |= (uint64_t)(((uint32_t)words[i] >> bit) & 1) << i;
#endif
  return found;
}
static inline uint64_t bits8(const uint8_t *words, int bit) {
#if defined(__AVX512BW__)
  return _mm512_movepi8_mask(_mm512_sll_epi16(_mm512_loadu_si512(words), _mm_cvtsi32_si128(7 - bit)));
#else
  uint64_t found = 0;
  for (int i = 0; i < 64; i++) found |= (uint64_t)((words[i] >> bit) & 1) << i;
  return found;
#endif
}

/* `slices` is one port's first bit in the first row, `stride` slices (of PARTS parts) lie from row to row. */
long differs(const uint64_t *slices, long stride, int bits, const void *words, int bytes, long rows) {
  for (long row = 0; row < rows; row++) {
    uint64_t found = 0;
    for (int part = 0; part < PARTS; part++) {
      const long at = row * WIDTH + part * 64;
      for (int bit = 0; bit < bits; bit++) {
        const uint64_t golden = bytes == 1   ? bits8((const uint8_t *)words + at, bit)
                                : bytes == 2 ? bits16((const int16_t *)words + at, bit)
                                             : bits32((const int32_t *)words + at, bit);
        found |= golden ^ slices[(row * stride + bit) * PARTS + part];
      }
    }
    if (found) return row;
  }
  return -1;
}
