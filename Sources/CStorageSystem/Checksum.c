// SPDX-License-Identifier: Apache-2.0
//
// CRC-32C. The instruction takes three cycles but starts one every cycle, so long blocks are cut in
// three streams that run side by side; a table then moves the first two streams' remainders over the
// bytes that followed them. Lengths are chosen so that 4096 bytes are one long block and 16 bytes.

#include "CStorageSystem.h"

#include <string.h>

#if defined(__aarch64__)
#include <sys/auxv.h>
#ifndef HWCAP_CRC32
#define HWCAP_CRC32 (1 << 7)
#endif
#endif

/// The Castagnoli polynomial, bits reversed.
static const uint32_t polynomial = 0x82F63B78u;

/// Bytes of one of three streams.
enum { long_stream = 1360, short_stream = 336 };

/// byte_tables[n][b]: the remainder of byte b followed by n zero bytes.
static uint32_t byte_tables[8][256];
/// stream_tables[n][b]: what byte n of a remainder becomes after a stream of zero bytes.
static uint32_t long_tables[4][256];
static uint32_t short_tables[4][256];
static bool instruction_available;

static uint32_t advance_by_zero_bytes(uint32_t remainder, size_t count) {
  for (size_t index = 0; index < count; index++) {
    remainder = (remainder >> 8) ^ byte_tables[0][remainder & 0xFF];
  }
  return remainder;
}

/// The map is linear, so the tables follow from what each single bit becomes.
static void fill_stream_tables(uint32_t tables[4][256], size_t length) {
  uint32_t images[32];
  for (int bit = 0; bit < 32; bit++) {
    images[bit] = advance_by_zero_bytes(UINT32_C(1) << bit, length);
  }
  for (int position = 0; position < 4; position++) {
    for (uint32_t byte = 0; byte < 256; byte++) {
      uint32_t image = 0;
      for (int bit = 0; bit < 8; bit++) {
        if (byte & (UINT32_C(1) << bit)) image ^= images[position * 8 + bit];
      }
      tables[position][byte] = image;
    }
  }
}

/// Runs before main, so that no call has to ask whether the tables are there.
__attribute__((constructor)) static void prepare_checksums(void) {
  for (uint32_t byte = 0; byte < 256; byte++) {
    uint32_t remainder = byte;
    for (int bit = 0; bit < 8; bit++) {
      remainder = (remainder >> 1) ^ ((remainder & 1) ? polynomial : 0);
    }
    byte_tables[0][byte] = remainder;
  }
  for (int zeros = 1; zeros < 8; zeros++) {
    for (uint32_t byte = 0; byte < 256; byte++) {
      byte_tables[zeros][byte] = advance_by_zero_bytes(byte_tables[zeros - 1][byte], 1);
    }
  }
  fill_stream_tables(long_tables, long_stream);
  fill_stream_tables(short_tables, short_stream);
#if defined(__x86_64__)
  __builtin_cpu_init();
  instruction_available = __builtin_cpu_supports("sse4.2");
#elif defined(__aarch64__)
  instruction_available = (getauxval(AT_HWCAP) & HWCAP_CRC32) != 0;
#endif
}

static inline uint64_t load_word(const uint8_t *bytes) {
  uint64_t word;
  memcpy(&word, bytes, sizeof word);
  return word;
}

uint32_t storage_crc32c_table(uint32_t seed, const void *bytes, size_t length) {
  const uint8_t *next = bytes;
  uint32_t remainder = ~seed;
  for (; length >= 8; next += 8, length -= 8) {
    uint32_t low = remainder ^ ((uint32_t)next[0] | (uint32_t)next[1] << 8 |
                                (uint32_t)next[2] << 16 | (uint32_t)next[3] << 24);
    remainder = byte_tables[7][low & 0xFF] ^ byte_tables[6][low >> 8 & 0xFF] ^
                byte_tables[5][low >> 16 & 0xFF] ^ byte_tables[4][low >> 24] ^
                byte_tables[3][next[4]] ^ byte_tables[2][next[5]] ^
                byte_tables[1][next[6]] ^ byte_tables[0][next[7]];
  }
  for (; length > 0; next++, length--) {
    remainder = (remainder >> 8) ^ byte_tables[0][(remainder ^ *next) & 0xFF];
  }
  return ~remainder;
}

#if defined(__x86_64__) || defined(__aarch64__)

#if defined(__x86_64__)
#define WITH_INSTRUCTION __attribute__((target("sse4.2")))
#define CRC_WORD(remainder, word) ((uint32_t)__builtin_ia32_crc32di((remainder), (word)))
#define CRC_BYTE(remainder, byte) __builtin_ia32_crc32qi((remainder), (byte))
#else
#define WITH_INSTRUCTION __attribute__((target("crc")))
#define CRC_WORD(remainder, word) __builtin_arm_crc32cd((remainder), (word))
#define CRC_BYTE(remainder, byte) __builtin_arm_crc32cb((remainder), (byte))
#endif

static inline uint32_t advance_by_stream(uint32_t tables[4][256], uint32_t remainder) {
  return tables[0][remainder & 0xFF] ^ tables[1][remainder >> 8 & 0xFF] ^
         tables[2][remainder >> 16 & 0xFF] ^ tables[3][remainder >> 24];
}

WITH_INSTRUCTION
static uint32_t crc_of_three_streams(
    uint32_t remainder, const uint8_t *bytes, size_t stream, uint32_t tables[4][256]) {
  uint32_t second = 0;
  uint32_t third = 0;
  for (size_t offset = 0; offset < stream; offset += 8) {
    remainder = CRC_WORD(remainder, load_word(bytes + offset));
    second = CRC_WORD(second, load_word(bytes + stream + offset));
    third = CRC_WORD(third, load_word(bytes + 2 * stream + offset));
  }
  second ^= advance_by_stream(tables, remainder);
  return third ^ advance_by_stream(tables, second);
}

WITH_INSTRUCTION
static uint32_t crc_by_instruction(uint32_t seed, const uint8_t *next, size_t length) {
  uint32_t remainder = ~seed;
  for (; length >= 3 * long_stream; next += 3 * long_stream, length -= 3 * long_stream) {
    remainder = crc_of_three_streams(remainder, next, long_stream, long_tables);
  }
  for (; length >= 3 * short_stream; next += 3 * short_stream, length -= 3 * short_stream) {
    remainder = crc_of_three_streams(remainder, next, short_stream, short_tables);
  }
  for (; length >= 8; next += 8, length -= 8) {
    remainder = CRC_WORD(remainder, load_word(next));
  }
  for (; length > 0; next++, length--) {
    remainder = CRC_BYTE(remainder, *next);
  }
  return ~remainder;
}

uint32_t storage_crc32c(uint32_t seed, const void *bytes, size_t length) {
  if (!instruction_available) return storage_crc32c_table(seed, bytes, length);
  return crc_by_instruction(seed, bytes, length);
}

#else

uint32_t storage_crc32c(uint32_t seed, const void *bytes, size_t length) {
  return storage_crc32c_table(seed, bytes, length);
}

#endif
