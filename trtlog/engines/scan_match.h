/* The programme of a grammar, and the backtracking matcher that runs it over a body (docs/scanner.md). */
#ifndef TRTLOG_SCAN_MATCH_H
#define TRTLOG_SCAN_MATCH_H
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef const uint8_t *Text;
typedef const int32_t *Code;

/* Instructions, as grammar/programme.py writes them. */
enum { END, ANY_END, LITERAL, CLASS, REPEAT, SPLIT, JUMP, SAVE, UNKNOWN };
/* What may stand behind a repeat: anything, nothing that it could take itself, the end of the body, else a byte. */
enum { ANYTHING = -1, OTHER = -2, LAST = -3 };
/* What became of a match or a search. */
enum { UNCLEAR = -2, NONE = -1, NO = 0, YES = 1 };
enum { FIELDS = 32, CHOICES = 128, NESTED = 32, CLASS_SIZE = 258, BODY_END = 256, ONLY_OTHER = 257, TABLE = 256 };
enum { FLOATING = 512, STRIDE = 4, WINDOW_SIZE = 7 };
/* Work that one body is worth, in choices and in pieces of 64 bytes; one that needs more is left to Python. */
enum { FUEL = 20000, PIECE = 6, LONGEST_BODY = 1 << 16 };

typedef struct { int32_t label, length, children, n_children, variants, n_variants; } Node;
typedef struct { int32_t root, floating, n_floating, buckets, entries, shift, always; } Index;
typedef struct { int32_t code, prefix, fields, measured, guards, n_guards; } Variant;

typedef struct {
  const Node *nodes;
  const Index *indexes;
  const Variant *variants;
  Code words;
  Text text, classes;
  int32_t n_variants;
} Programme;

typedef struct { Text begin, end; int32_t fuel, spans[2 * FIELDS]; } Body;

static Body body_of(Text begin, Text end) {
  Body body;
  body.begin = begin;
  body.end = end;
  body.fuel = FUEL;
  return body;
}

/* Where a match can go on in another way: a repeat that ends anywhere from `least` to `end`; a split has no `least`. */
typedef struct { Code code; Text least, end; } Choice;
typedef struct { Choice all[CHOICES]; int count; } Choices;

/* Spend fuel on some bytes; false where there is none left. */
static int spend(Body *body, int64_t bytes) { return (body->fuel -= 1 + (int32_t)(bytes >> PIECE)) > 0; }

static int add_choice(Choices *choices, Code code, Text least, Text end) {
  if (choices->count == CHOICES) return UNCLEAR;
  choices->all[choices->count++] = (Choice){code, least, end};
  return YES;
}

/* Return where a byte stands last before `end`, else `begin - 1`. */
static Text last_byte(Text begin, Text end, uint8_t byte) {
  const uint64_t ones = 0x0101010101010101ull, pattern = ones * byte;
  for (; end - begin >= 8; end -= 8) {
    uint64_t eight;
    memcpy(&eight, end - 8, 8);
    eight ^= pattern;
    if ((eight - ones) & ~eight & ones << 7) break;
  }
  for (end--; end >= begin && *end != byte;) end--;
  return end;
}

/* Return the last place up to `end` at which a repeat can end, since the literal behind it stands there; NULL for none. */
static Text last_place(const Programme *p, Code repeat, Text least, Text end, Text body_end) {
  int32_t next = repeat[4];
  if (next == ANYTHING) return end >= least ? end : NULL;
  Text literal = p->text + repeat[repeat[5] + 1];
  int64_t length = repeat[repeat[5] + 2];
  if (body_end - least < length) return NULL;
  if (body_end - end < length) end = body_end - length;
  while ((end = last_byte(least, end + 1, (uint8_t)next)) >= least) {
    if (end[length - 1] == literal[length - 1] && !memcmp(end, literal, (size_t)length)) return end;
    end--;
  }
  return NULL;
}

/* Return how far a repeat can reach at a place, NULL where it cannot repeat often enough. */
static Text longest(const Programme *p, Code repeat, Text at, Text end) {
  Text class = p->classes + repeat[1] * CLASS_SIZE;
  if (end - at < repeat[2]) return NULL;
  Text least = at + repeat[2];
  if (repeat[3] >= 0 && repeat[3] < end - at) end = at + repeat[3];
  if (!repeat[1]) return end;
  if (class[ONLY_OTHER]) {
    Text other = memchr(at, class[ONLY_OTHER], (size_t)(end - at));
    at = other ? other : end;
  } else {
    while (at < end && class[*at]) at++;
  }
  return at >= least ? at : NULL;
}

/* Repeat as often as what stands behind allows; where less often might do too, note the choice. */
static int take_repeat(const Programme *p, Code repeat, Text *at, Body *body, Choices *choices) {
  Text least = *at + repeat[2], reach = longest(p, repeat, *at, body->end);
  if (!reach || (repeat[4] == LAST && reach != body->end)) return NO;
  if (!spend(body, reach - *at)) return UNCLEAR;
  *at = reach;
  if (repeat[4] == LAST || repeat[4] == OTHER) return YES;
  if (!(*at = last_place(p, repeat, least, reach, body->end))) return NO;
  return *at > least ? add_choice(choices, repeat, least, *at) : YES;
}

/* Go the first of two ways that what stands here allows; where it allows both, note the choice. */
static int take_split(const Programme *p, Code *code, Text at, Body *body, Choices *choices) {
  Code split = *code;
  int here = at < body->end ? *at : BODY_END;
  int first = p->classes[split[2] * CLASS_SIZE + here], second = p->classes[split[3] * CLASS_SIZE + here];
  if (!first && !second) return NO;
  *code += first ? 4 : split[1];
  if (!spend(body, 0)) return UNCLEAR;
  return first && second ? add_choice(choices, split, NULL, at) : YES;
}

/* Go back to the last choice and on in the next way. */
static int go_back(const Programme *p, Code *code, Text *at, Body *body, Choices *choices) {
  while (choices->count) {
    Choice *choice = choices->all + choices->count - 1;
    *at = choice->end;
    *code = choice->code + (choice->least ? 6 : choice->code[1]);
    if (choice->least) {
      *at = last_place(p, choice->code, choice->least, choice->end - 1, body->end);
      if (!spend(body, choice->end - (*at ? *at : choice->least))) return UNCLEAR;
      choice->end = *at;
    }
    if (!choice->least || !*at || *at == choice->least) choices->count--;
    if (*at) return YES;
  }
  return NO;
}

/* Tell whether the code matches from a place on; fields are saved as places in the body. */
static int match(const Programme *p, Code code, Text at, Body *body) {
  Choices choices;
  choices.count = 0;
  for (Text end = body->end;;) {
    int fits = YES;
    switch (*code) {
    case END:
      if (at == end) return YES;
      fits = NO;
      break;
    case ANY_END: return YES;
    case LITERAL:
      fits = end - at >= code[2] && !memcmp(at, p->text + code[1], (size_t)code[2]);
      if (fits) at += code[2], code += 3;
      break;
    case CLASS:
      fits = at < end && p->classes[code[1] * CLASS_SIZE + *at];
      if (fits) at++, code += 2;
      break;
    case SAVE:
      body->spans[code[1]] = (int32_t)(at - body->begin);
      code += 2;
      break;
    case JUMP: code += code[1]; break;
    case SPLIT: fits = take_split(p, &code, at, body, &choices); break;
    case REPEAT:
      fits = take_repeat(p, code, &at, body, &choices);
      code += 6;
      break;
    default: return UNCLEAR;
    }
    if (fits == NO) fits = go_back(p, &code, &at, body, &choices);
    if (fits != YES) return fits;
  }
}

/* Return the number of the node that a byte leads to: where there are many, of a table of all bytes. */
static int32_t child_of(const Programme *p, const Node *node, uint8_t byte) {
  Code child = p->words + node->children;
  if (node->n_children == TABLE) return child[byte];
  for (int32_t k = 0; k < node->n_children; k++)
    if (child[2 * k] == byte) return child[2 * k + 1];
  return NONE;
}

/* Return the variants of the nodes on the way that a body takes through the prefix tree, the longest prefix last. */
static int walk(const Programme *p, int32_t root, Body *body, const Node **path) {
  const Node *node = p->nodes + root;
  int n = 0;
  for (Text at = body->begin;;) {
    if (node->n_variants) {
      if (n == NESTED) return UNCLEAR;
      path[n++] = node;
    }
    if (at == body->end) return n;
    int32_t child = child_of(p, node, *at);
    if (child == NONE) return n;
    node = p->nodes + child;
    if (body->end - at < node->length || memcmp(at, p->text + node->label, node->length)) return n;
    at += node->length;
  }
}

/* Mark the rules without a literal beginning of which a literal stands in a body, and those that have none. A literal is
 * found by the words that begin it, one for each place that a stride can meet it at. */
static void mark_floating(const Programme *p, const Index *index, const Body *body, uint64_t *marked) {
  enum { NEXT, WORD, RULE, WINDOW, OFFSET };
  Code first = p->words + index->buckets, entries = p->words + index->entries;
  memcpy(marked, p->words + index->always, FLOATING / 8);
  for (Text at = body->begin; body->end - at >= 4; at += STRIDE) {
    int32_t word;
    memcpy(&word, at, 4);
    int32_t k = first[(uint32_t)word * 0x9E3779B1u >> index->shift];
    for (; k >= 0; k = entries[k + NEXT]) {
      Code entry = entries + k;
      if (entry[WORD] != word || at - body->begin < entry[OFFSET]) continue;
      Text begin = at - entry[OFFSET];
      if (body->end - begin >= WINDOW_SIZE && !memcmp(begin, p->text + entry[WINDOW], WINDOW_SIZE))
        marked[entry[RULE] >> 6] |= 1ull << (entry[RULE] & 63);
    }
  }
}

/* Return the first variant of an index that matches a body: the longest prefix first, then those without one. */
static int32_t search(const Programme *p, const Index *index, Body *body) {
  const Node *path[NESTED];
  int n = walk(p, index->root, body, path);
  if (n < 0 || index->n_floating > FLOATING) return UNCLEAR;
  while (n--) {
    Code variants = p->words + path[n]->variants;
    for (int k = 0; k < path[n]->n_variants; k++) {
      const Variant *variant = p->variants + variants[k];
      int found = match(p, p->words + variant->code, body->begin + variant->prefix, body);
      if (found != NO) return found == YES ? variants[k] : UNCLEAR;
    }
  }
  if (!index->n_floating) return NONE;
  uint64_t marked[FLOATING / 64];
  mark_floating(p, index, body, marked);
  for (int part = 0; part < FLOATING / 64; part++)
    for (uint64_t left = marked[part]; left; left &= left - 1) {
      int32_t variant = p->words[index->floating + 64 * part + __builtin_ctzll(left)];
      int found = match(p, p->words + p->variants[variant].code, body->begin, body);
      if (found != NO) return found == YES ? variant : UNCLEAR;
    }
  return NONE;
}

#endif
