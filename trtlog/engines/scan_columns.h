/* Where rows are kept: for each variant line numbers and a column a field, in the form in which Arrow reads them. */
#ifndef TRTLOG_SCAN_COLUMNS_H
#define TRTLOG_SCAN_COLUMNS_H
#include "scan_match.h"

/* Slots of a column's first hash table. */
enum { SLOTS = 16 };

/* Values of one field: each distinct text once and a code a row, or of measured values each row's text. `follows` holds for
 * each value which other one came behind it last: autotuning prints the same tactics in the same order again and again. */
typedef struct {
  int32_t *offsets, *codes, *follows;
  uint8_t *text;
  uint64_t *slots;
  int64_t values, offsets_room, codes_room, text_room, slots_room;
} Column;

typedef struct { int64_t *lines, count, room, scanned, bytes; Column *columns; } Rows;

/* Make room for so many items; false where there is no memory. */
static int reserve(void **block, int64_t *room, int64_t need, size_t width) {
  if (need <= *room) return 1;
  int64_t more = need + need / 2 + 16;
  void *grown = realloc(*block, (size_t)more * width);
  if (!grown) return 0;
  *block = grown;
  *room = more;
  return 1;
}

static int same_text(const Column *c, int64_t value, Text text, int32_t length) {
  int32_t begin = c->offsets[value];
  return c->offsets[value + 1] - begin == length && !memcmp(c->text + begin, text, length);
}

/* Append a value to the values of a column. */
static int add_value(Column *c, Text text, int32_t length) {
  int64_t begin = c->values ? c->offsets[c->values] : 0;
  if (begin + length > INT32_MAX) return 0;
  if (!reserve((void **)&c->offsets, &c->offsets_room, c->values + 2, sizeof *c->offsets)) return 0;
  if (!reserve((void **)&c->text, &c->text_room, begin + length + 1, 1)) return 0;
  if (length) memcpy(c->text + begin, text, length);
  c->offsets[c->values] = (int32_t)begin;
  c->offsets[++c->values] = (int32_t)(begin + length);
  return 1;
}

static uint32_t hash_of(Text text, int32_t length) {
  uint64_t hash = 0x9E3779B97F4A7C15ull ^ (uint64_t)length, word = 0;
  for (; length >= 8; text += 8, length -= 8) {
    memcpy(&word, text, 8);
    hash = (hash ^ word) * 0xff51afd7ed558ccdull;
    hash ^= hash >> 32;
  }
  word = 0;
  memcpy(&word, text, length);
  return (uint32_t)(((hash ^ word) * 0xff51afd7ed558ccdull) >> 32);
}

/* Double the slots of the hash table, of which at most half are taken: a slot is hash << 32 | value + 1, 0 for none. */
static int grow_slots(Column *c) {
  int64_t room = c->slots_room ? 2 * c->slots_room : SLOTS;
  uint64_t *slots = calloc((size_t)room, sizeof *slots);
  int32_t *follows = realloc(c->follows, (size_t)room / 2 * sizeof *follows);
  if (follows) c->follows = follows;
  if (!slots || !follows) {
    free(slots);
    return 0;
  }
  memset(follows + c->slots_room / 2, 0, (size_t)(room - c->slots_room) / 2 * sizeof *follows);
  for (int64_t k = 0; k < c->slots_room; k++) {
    if (!c->slots[k]) continue;
    uint64_t at = c->slots[k] >> 32 & (uint64_t)(room - 1);
    while (slots[at]) at = (at + 1) & (uint64_t)(room - 1);
    slots[at] = c->slots[k];
  }
  free(c->slots);
  c->slots = slots;
  c->slots_room = room;
  return 1;
}

/* Return the code of a text by the hash table, a new one where the text is new; NONE where there is no memory. */
static int32_t find_code(Column *c, Text text, int32_t length) {
  uint64_t hash = hash_of(text, length), mask = (uint64_t)(c->slots_room - 1), at = hash & mask;
  for (; c->slots[at]; at = (at + 1) & mask) {
    int32_t value = (int32_t)(c->slots[at] & 0xFFFFFFFFu) - 1;
    if (c->slots[at] >> 32 == hash && same_text(c, value, text, length)) return value;
  }
  if (!add_value(c, text, length)) return NONE;
  c->slots[at] = hash << 32 | (uint64_t)c->values;
  return (int32_t)(c->values - 1);
}

/* Put a row into a column with codes: most texts are that of the row above, or what came behind it the last time. */
static int put_code(Column *c, int64_t row, Text text, int32_t length) {
  if (2 * c->values >= c->slots_room && !grow_slots(c)) return 0;
  if (!reserve((void **)&c->codes, &c->codes_room, row + 1, sizeof *c->codes)) return 0;
  int32_t above = row ? c->codes[row - 1] : NONE, code = above;
  if (above == NONE || !same_text(c, code, text, length)) {
    code = above == NONE ? NONE : c->follows[above];
    if (code == NONE || !same_text(c, code, text, length)) code = find_code(c, text, length);
    if (code == NONE) return 0;
    if (above != NONE) c->follows[above] = code;
  }
  c->codes[row] = code;
  return 1;
}

static void free_column(Column *c) { free(c->offsets), free(c->codes), free(c->follows), free(c->text), free(c->slots); }

/* Put a row into a column with each row's text, behind those of the rows above. */
static int put_text(Column *c, int64_t row, Text text, int32_t length) {
  c->values = row;
  return add_value(c, text, length);
}

/* Note a line of a variant: its number, its bytes where the scanner took it, its fields. It counts when all of it is there:
 * what memory ran out for is written over, as other logs may follow. */
static int put_row(Rows *rows, const Variant *variant, int64_t line, int64_t bytes, Text body, const int32_t *spans) {
  if (!rows->columns && !(rows->columns = calloc((size_t)variant->fields + 1, sizeof(Column)))) return 0;
  if (!reserve((void **)&rows->lines, &rows->room, rows->count + 1, sizeof *rows->lines)) return 0;
  for (int32_t f = 0; f < variant->fields; f++) {
    Column *column = rows->columns + f;
    Text text = body + spans[2 * f];
    int32_t length = spans[2 * f + 1] - spans[2 * f];
    int is_measured = f < FIELDS && variant->measured >> f & 1;
    if (!(is_measured ? put_text : put_code)(column, rows->count, text, length)) return 0;
  }
  rows->lines[rows->count++] = line;
  rows->scanned += bytes > 0;
  rows->bytes += bytes;
  return 1;
}

#endif
