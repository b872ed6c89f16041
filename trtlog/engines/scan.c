/* The inner loop of the line engine: takes lines for as long as nothing but the rule that a body matches tells what they
 * are, and stops in front of the first that asks for more. It knows no kind of message: the grammar comes as a programme
 * (trtlog/grammar/programme.py). How it works stands in docs/scanner.md. */
#include "scan_columns.h"
#include "scan_match.h"

#ifdef _WIN32
#define EXPORT __declspec(dllexport)
#else
#define EXPORT __attribute__((visibility("default")))
#endif

#ifndef SCAN_SOURCE
#define SCAN_SOURCE 0
#endif

enum { VERSION = 4 };
/* Why scan_run stopped. */
enum { DONE, LOOK, NO_MEMORY };
enum { HEADERS = 16, HEADER_TEXT = 64, BEFORE = 4, BEFORE_TEXT = 16 };
/* What a rule found on a line makes the loop stop: behind a header, without one. */
enum { STOPS_HEADED = 1, STOPS_BARE = 2 };
/* Of a variant that opens no section. */
enum { NO_SECTION = 255 };

typedef struct {
  uint8_t text[HEADER_TEXT], before[BEFORE][BEFORE_TEXT];
  int32_t length, time, time_end, n_before, before_length[BEFORE], asks_section;
} Header;

/* The sections of a log by number: for each variant what it stops and the section that it opens; for each section the one
 * behind an empty line, and the indexes for bodies, those for a header that asks for rules of the section second. */
typedef struct { Text stops, opens, behind_empty; const int32_t (*indexes)[2][2]; } Sections;

/* Places that are told by line: line, place, line, place, ... */
typedef struct { int64_t count, room, *all; } Places;

/* What Python reads after each run: the line behind the last, the last with a header and its variant, where another time
 * and another section begin; and what it counts. */
typedef struct {
  int64_t line, last_headed, last_variant;
  Places times, openings;
  int64_t empty_lines, empty_bytes, header_lines[HEADERS];
} Found;

typedef struct {
  Programme programme;
  Sections sections;
  Rows *rows;
  Header headers[HEADERS];
  Found found;
  int32_t n_headers, current, time_known, bare_index, bare, section;
} Scan;

/* ---------------------------------------------------------------------------------------------------------- lines */

static int is_digit(uint8_t byte) { return byte >= '0' && byte <= '9'; }

/* Tell whether a line prints a time that differs from the header's in digits only. */
static int fits_time(const Header *header, Text line) {
  for (int32_t k = header->time; k < header->time_end; k++)
    if (line[k] != header->text[k] && !(is_digit(line[k]) && is_digit(header->text[k]))) return 0;
  return 1;
}

/* Tell whether a line begins with a header, whatever its time, and goes on with nothing that another header begins with. */
static int has_header(const Header *header, Text line, Text end) {
  int32_t length = header->length, time = header->time, time_end = header->time_end;
  if (end - line < length) return 0;
  if (memcmp(line, header->text, length)) {
    if (memcmp(line, header->text, time) || memcmp(line + time_end, header->text + time_end, length - time_end)) return 0;
    if (!fits_time(header, line)) return 0;
  }
  for (int32_t k = 0; k < header->n_before; k++) {
    int32_t before = header->before_length[k];
    if (end - line - length >= before && !memcmp(line + length, header->before[k], before)) return 0;
  }
  return 1;
}

/* Return the number of a line's header, NONE where it has none of those that are known. */
static int32_t find_header(const Scan *scan, Text line, Text end) {
  if (scan->current >= 0 && has_header(scan->headers + scan->current, line, end)) return scan->current;
  for (int32_t k = 0; k < scan->n_headers; k++)
    if (k != scan->current && has_header(scan->headers + k, line, end)) return k;
  return NONE;
}

/* Tell whether a body may hold another record, terminal colours, NULs or what a progress bar printed over. */
static int is_odd(Text body, Text end) {
  size_t length = (size_t)(end - body);
  uint8_t least = UINT8_MAX;
  for (size_t k = 0; k < length; k++) least = body[k] < least ? body[k] : least;
  if (least < ' ' && (memchr(body, 0, length) || memchr(body, 27, length) || memchr(body, '\r', length))) return 1;
  for (Text at = body; (at = memchr(at, ']', (size_t)(end - at))); at++)
    if (end - at > 2 && at[1] == ' ' && at[2] == '[') return 1;
  return 0;
}

/* Tell whether a line of a rule for lines without a header might have one, also one that lost its trailing blank. */
static int may_have_header(const Programme *p, int32_t number, Text line, Text end) {
  enum { ROOM = 4096 };
  uint8_t copy[ROOM];
  const Variant *variant = p->variants + number;
  int64_t length = end - line;
  if (length >= ROOM) return 1;
  memcpy(copy, line, (size_t)length);
  copy[length] = ' ';
  Body body;
  body.begin = copy;
  body.end = copy + length + 1;
  body.fuel = FUEL;
  for (int32_t k = 0; k < variant->n_guards; k++)
    if (match(p, p->words + p->words[variant->guards + k], copy, &body) != NO) return 1;
  return 0;
}

/* Return the variant of a body behind a header, NONE or UNCLEAR: in a section two sets of rules may be asked. */
static int32_t find_variant(const Scan *scan, const Header *header, Body *body) {
  const int32_t *index = scan->sections.indexes[scan->section][header->asks_section];
  int32_t found = NONE;
  for (int k = 0; k < 2 && found == NONE && index[k] >= 0; k++)
    found = search(&scan->programme, scan->programme.indexes + index[k], body);
  return found;
}

static int add_place(Places *places, int64_t line, int64_t place) {
  if (!reserve((void **)&places->all, &places->room, places->count + 2, sizeof *places->all)) return 0;
  places->all[places->count++] = line;
  places->all[places->count++] = place;
  return 1;
}

/* Go on in a section from this line on. */
static int enter(Scan *scan, uint8_t section) {
  if (section == NO_SECTION || section == scan->section) return 1;
  scan->section = section;
  return add_place(&scan->found.openings, scan->found.line, section);
}

/* Note where a line prints another time than the one before. */
static int note_time(Scan *scan, const Header *header, Text data, Text line) {
  int32_t length = header->time_end - header->time;
  Text time = line + header->time;
  if (!length || (scan->time_known && !memcmp(time, header->text + header->time, (size_t)length))) return 1;
  if (!add_place(&scan->found.times, scan->found.line, time - data)) return 0;
  for (int32_t k = 0; k < scan->n_headers; k++)
    if (scan->headers[k].time_end) memcpy(scan->headers[k].text + scan->headers[k].time, time, (size_t)length);
  scan->time_known = 1;
  return 1;
}

/* Note a line with a header: its time, the section that it begins. */
static int take_header(Scan *scan, int32_t number, int32_t variant, Text data, Text line) {
  Found *found = &scan->found;
  const Sections *sections = &scan->sections;
  if (!note_time(scan, scan->headers + number, data, line)) return 0;
  if (!enter(scan, variant < 0 ? sections->behind_empty[scan->section] : sections->opens[variant])) return 0;
  scan->current = number;
  scan->bare = 1;
  found->last_headed = found->line;
  found->last_variant = variant;
  found->header_lines[number]++;
  return 1;
}

/* Take one line; return DONE, or LOOK where it is not for this loop. `next` is where the next line begins. */
static int take_line(Scan *scan, Text data, Text line, Text next) {
  Text end = next - 1;
  while (end > line && end[-1] == '\r') end--;
  int32_t number = find_header(scan, line, end);
  Header *header = number == NONE ? NULL : scan->headers + number;
  if (!header && (!scan->bare || end == line)) return LOOK;
  Body body;
  body.begin = header ? line + header->length : line;
  body.end = end;
  if (end - body.begin > LONGEST_BODY || is_odd(body.begin, end)) return LOOK;
  int32_t variant = header ? find_variant(scan, header, &body)
                           : search(&scan->programme, scan->programme.indexes + scan->bare_index, &body);
  int empty = variant == NONE && header && body.begin == end;
  if (!empty && (variant < 0 || scan->sections.stops[variant] & (header ? STOPS_HEADED : STOPS_BARE))) return LOOK;
  if (!header && may_have_header(&scan->programme, variant, line, end)) return LOOK;
  if (header && !take_header(scan, number, variant, data, line)) return NO_MEMORY;
  if (empty) {
    scan->found.empty_lines++;
    scan->found.empty_bytes += next - line;
    return DONE;
  }
  Rows *rows = scan->rows + variant;
  const Variant *rule = scan->programme.variants + variant;
  return put_row(rows, rule, scan->found.line, next - line, body.begin, body.spans) ? DONE : NO_MEMORY;
}

/* ------------------------------------------------------------------------------------------- what Python calls */

/* Return the number of the source that this was built of (trtlog/engines/digest.py). */
EXPORT int64_t scan_source(void) { return SCAN_SOURCE; }

/* Return the version of this interface and the sizes of what Python reads, 16 bits each: it uses no other. */
EXPORT int64_t scan_version(void) {
  return VERSION | (int64_t)sizeof(Column) << 16 | (int64_t)sizeof(Rows) << 32 | (int64_t)sizeof(Found) << 48;
}

EXPORT Scan *scan_new(const Programme *programme, const Sections *sections, int32_t bare_index) {
  Scan *scan = calloc(1, sizeof *scan);
  if (!scan) return NULL;
  scan->programme = *programme;
  scan->sections = *sections;
  scan->bare_index = bare_index;
  scan->rows = calloc((size_t)programme->n_variants, sizeof(Rows));
  if (scan->rows) return scan;
  free(scan);
  return NULL;
}

EXPORT void scan_free_rows(Rows *rows, const Programme *programme) {
  for (int32_t v = 0; v < programme->n_variants; v++) {
    for (int32_t f = 0; rows[v].columns && f < programme->variants[v].fields; f++) free_column(rows[v].columns + f);
    free(rows[v].columns);
    free(rows[v].lines);
  }
  free(rows);
}

EXPORT void scan_free(Scan *scan) {
  scan_free_rows(scan->rows, &scan->programme);
  free(scan->found.times.all);
  free(scan->found.openings.all);
  free(scan);
}

/* Return all rows, which are the caller's from now on; NULL where there is no memory for others. */
EXPORT Rows *scan_take_rows(Scan *scan) {
  Rows *rows = scan->rows, *empty = calloc((size_t)scan->programme.n_variants, sizeof(Rows));
  if (!empty) return NULL;
  scan->rows = empty;
  return rows;
}

/* Tell of each variant how many lines the scanner took, and their bytes, since rows were taken last. */
EXPORT void scan_count(const Scan *scan, int64_t *counts) {
  for (int32_t v = 0; v < scan->programme.n_variants; v++) {
    counts[2 * v] = scan->rows[v].scanned;
    counts[2 * v + 1] = scan->rows[v].bytes;
  }
}

/* Add a header; `before` holds what another header goes on with, each text behind its length, `asks` tells whether rules of
 * the section come first. Return its number or NONE. */
EXPORT int32_t scan_add_header(Scan *scan, Text text, int32_t length, int32_t time, int32_t time_end, Text before, int32_t asks) {
  if (scan->n_headers == HEADERS || length > HEADER_TEXT) return NONE;
  Header *header = scan->headers + scan->n_headers;
  memset(header, 0, sizeof *header);
  memcpy(header->text, text, (size_t)length);
  header->length = length;
  header->time = time;
  header->time_end = time_end;
  header->asks_section = asks != 0;
  for (; *before; before += *before + 1) {
    if (header->n_before == BEFORE || *before > BEFORE_TEXT) return NONE;
    memcpy(header->before[header->n_before], before + 1, *before);
    header->before_length[header->n_before++] = *before;
  }
  return scan->n_headers++;
}

/* Set the state in front of a line: the header that is likely, whether the last time is known to be that of the headers,
 * whether lines without a header are read, and the section. */
EXPORT void scan_set_state(Scan *scan, int32_t header, Text time, int32_t bare, int32_t section) {
  scan->current = header;
  scan->bare = bare;
  scan->section = section;
  scan->time_known = time != NULL;
  for (int32_t k = 0; time && k < scan->n_headers; k++) {
    Header *h = scan->headers + k;
    memcpy(h->text + h->time, time, (size_t)(h->time_end - h->time));
  }
}

EXPORT Found *scan_found(Scan *scan) { return &scan->found; }

/* Note a line that Python read; false where there is no memory. */
EXPORT int32_t scan_put(Scan *scan, int32_t variant, int64_t line, Text text, const int32_t *spans) {
  return put_row(scan->rows + variant, scan->programme.variants + variant, line, 0, text, spans);
}

/* Take lines of a chunk from `position` on, the first of number `line`; return where the first stands that was not taken,
 * -1 where there is no memory. A line without its line end is not taken. */
EXPORT int64_t scan_run(Scan *scan, Text data, int64_t position, int64_t size, int64_t line) {
  scan->found.line = line;
  scan->found.last_headed = scan->found.times.count = scan->found.openings.count = 0;
  while (position < size) {
    Text begin = data + position, stop = memchr(begin, '\n', (size_t)(size - position));
    if (!stop) break;
    int how = take_line(scan, data, begin, stop + 1);
    if (how == NO_MEMORY) return -1;
    if (how == LOOK) break;
    scan->found.line++;
    position = stop + 1 - data;
  }
  return position;
}

/* Tell which rule of an index a body matches, and where its fields begin and end; NONE for none, UNCLEAR where Python must look. */
EXPORT int32_t scan_match(const Programme *programme, int32_t index, Text text, int64_t length, int32_t *spans) {
  Body body;
  if (length > LONGEST_BODY) return UNCLEAR;
  body.begin = text;
  body.end = text + length;
  int32_t variant = search(programme, programme->indexes + index, &body);
  if (variant >= 0) memcpy(spans, body.spans, 2 * sizeof *spans * (size_t)programme->variants[variant].fields);
  return variant;
}

/* Count for each of some sorted lines how many sorted marks stand at or before it, for tables that join lines by place. */
EXPORT void scan_counts_upto(const int64_t *lines, int64_t n_lines, const int64_t *marks, int64_t n_marks, int32_t *counts) {
  int32_t count = 0;
  for (int64_t k = 0; k < n_lines; k++) {
    while (count < n_marks && marks[count] <= lines[k]) count++;
    counts[k] = count;
  }
}
