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

enum { VERSION = 7 };
/* Why a line was not taken, or was. */
enum { DONE, LOOK, NO_MEMORY };
enum { HEADERS = 16, HEADER_TEXT = 64, BEFORE = 4, BEFORE_TEXT = 16, TIME_TEXT = 24, PLACES = 512 };
/* What a rule found on a line makes the loop stop: behind a header, without one. */
enum { STOPS_HEADED = 1, STOPS_BARE = 2 };
/* Of a variant that opens no section. */
enum { NO_SECTION = 255 };

/* A header: its text with the last time, where that stands, what a longer header goes on with, whether rules of the
 * section come first, and how many lines had it. */
typedef struct {
  uint8_t text[HEADER_TEXT], before[BEFORE][BEFORE_TEXT];
  int32_t length, time, time_end, before_length[BEFORE], asks_section;
  int64_t lines;
} Header;

/* The sections of a log by number: for each variant what it stops and the section that it opens; for each section the one
 * behind an empty line, and the indexes for bodies, those for a header that asks for rules of the section second. */
typedef struct { Text stops, opens, behind_empty; const int32_t (*indexes)[2][2]; } Sections;

/* Places that are told by line: line, place, line, place, ... */
typedef struct { int64_t count, all[2 * PLACES]; } Places;

/* All state of a log. Python makes it, sets before a run what the line above left, and reads behind it the line behind the
 * last, the last with a header and its variant, where another time and another section begin, and what is counted. */
typedef struct {
  const Programme *programme;
  const Sections *sections;
  Rows *rows;
  int64_t line, last_headed, last_variant, empty_lines, empty_bytes;
  int32_t bare_index, n_headers, current, section, bare, time_known;
  uint8_t time[TIME_TEXT];
  Header headers[HEADERS];
  Places times, openings;
} Scan;

/* ---------------------------------------------------------------------------------------------------------- lines */

static int is_digit(uint8_t byte) { return byte >= '0' && byte <= '9'; }

/* Tell whether a line begins with a header but for digits of its time. */
static int fits(const Header *header, Text line) {
  for (int32_t k = 0; k < header->length; k++) {
    int in_time = k >= header->time && k < header->time_end;
    if (line[k] != header->text[k] && !(in_time && is_digit(line[k]) && is_digit(header->text[k]))) return 0;
  }
  return 1;
}

/* Tell whether a line begins with a header, whatever its time, and goes on with nothing that another header begins with. */
static int has_header(const Header *header, Text line, Text end) {
  if (end - line < header->length) return 0;
  if (memcmp(line, header->text, (size_t)header->length) && !fits(header, line)) return 0;
  line += header->length;
  for (int k = 0; k < BEFORE && header->before_length[k]; k++) {
    int32_t length = header->before_length[k];
    if (end - line >= length && !memcmp(line, header->before[k], (size_t)length)) return 0;
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

/* Tell whether a line of a rule for lines without a header might have one. */
static int may_have_header(const Programme *p, int32_t number, Text line, Text end) {
  const Variant *variant = p->variants + number;
  Body body = body_of(line, end);
  for (int32_t k = 0; k < variant->n_guards; k++)
    if (match(p, p->words + p->words[variant->guards + k], line, &body) != NO) return 1;
  return 0;
}

/* Return the variant of a body behind a header, NONE or UNCLEAR: in a section two sets of rules may be asked. */
static int32_t find_variant(const Scan *scan, const Header *header, Body *body) {
  const int32_t *index = scan->sections->indexes[scan->section][header->asks_section];
  int32_t found = NONE;
  for (int k = 0; k < 2 && found == NONE && index[k] >= 0; k++)
    found = search(scan->programme, scan->programme->indexes + index[k], body);
  return found;
}

static void add_place(Places *places, int64_t line, int64_t place) {
  places->all[2 * places->count] = line;
  places->all[2 * places->count++ + 1] = place;
}

/* Go on in a section from this line on. */
static void enter(Scan *scan, uint8_t section) {
  if (section == NO_SECTION || section == scan->section) return;
  scan->section = section;
  add_place(&scan->openings, scan->line, section);
}

/* Put a time into all headers. */
static void keep_time(Scan *scan, Text time) {
  for (int32_t k = 0; k < scan->n_headers; k++) {
    Header *header = scan->headers + k;
    memcpy(header->text + header->time, time, (size_t)(header->time_end - header->time));
  }
  scan->time_known = 1;
}

/* Note a line with a header: another time than before, the section that it begins. */
static void take_header(Scan *scan, Header *header, int32_t variant, Text data, Text line) {
  Text time = line + header->time;
  size_t length = (size_t)(header->time_end - header->time);
  if (length && !(scan->time_known && !memcmp(time, header->text + header->time, length))) {
    add_place(&scan->times, scan->line, time - data);
    keep_time(scan, time);
  }
  enter(scan, variant < 0 ? scan->sections->behind_empty[scan->section] : scan->sections->opens[variant]);
  scan->current = (int32_t)(header - scan->headers);
  scan->bare = 1;
  scan->last_headed = scan->line;
  scan->last_variant = variant;
  header->lines++;
}

/* Take one line; return LOOK where it is not for this loop. `next` is where the next line begins. */
static int take_line(Scan *scan, Text data, Text line, Text next) {
  const Programme *p = scan->programme;
  Text end = next - 1;
  while (end > line && end[-1] == '\r') end--;
  int32_t number = find_header(scan, line, end);
  Header *header = number == NONE ? NULL : scan->headers + number;
  if (!header && (!scan->bare || end == line)) return LOOK;
  Body body = body_of(header ? line + header->length : line, end);
  if (end - body.begin > LONGEST_BODY || is_odd(body.begin, end)) return LOOK;
  int32_t variant = header ? find_variant(scan, header, &body) : search(p, p->indexes + scan->bare_index, &body);
  int empty = variant == NONE && header && body.begin == end;
  if (!empty && (variant < 0 || scan->sections->stops[variant] & (header ? STOPS_HEADED : STOPS_BARE))) return LOOK;
  if (!header && may_have_header(p, variant, line, end)) return LOOK;
  if (header) take_header(scan, header, variant, data, line);
  if (empty) {
    scan->empty_lines++;
    scan->empty_bytes += next - line;
    return DONE;
  }
  Rows *rows = scan->rows + variant;
  return put_row(rows, p->variants + variant, scan->line, next - line, body.begin, body.spans) ? DONE : NO_MEMORY;
}

/* ------------------------------------------------------------------------------------------- what Python calls */

/* Return the number of the source that this was built of (trtlog/engines/digest.py). */
EXPORT int64_t scan_source(void) { return SCAN_SOURCE; }

/* Return the version of this interface and the sizes of what Python lays out, 16 bits each: it uses no other. */
EXPORT int64_t scan_version(void) {
  return VERSION | (int64_t)sizeof(Column) << 16 | (int64_t)sizeof(Rows) << 32 | (int64_t)sizeof(Scan) << 48;
}

/* Take lines of a chunk from `position` on, the first of number `line`; return where the first stands that was not taken,
 * -1 where there is no memory for it: its number is that of the state. A line without its line end is not taken. */
EXPORT int64_t scan_run(Scan *scan, Text data, int64_t position, int64_t size, int64_t line) {
  scan->line = line;
  scan->last_headed = scan->times.count = scan->openings.count = 0;
  if (scan->time_known) keep_time(scan, scan->time);
  while (position < size && scan->times.count < PLACES && scan->openings.count < PLACES) {
    Text begin = data + position, stop = memchr(begin, '\n', (size_t)(size - position));
    int how = stop ? take_line(scan, data, begin, stop + 1) : LOOK;
    if (how == NO_MEMORY) return -1;
    if (how == LOOK) break;
    scan->line++;
    position = stop + 1 - data;
  }
  return position;
}

/* Note a line that Python read; false where there is no memory. */
EXPORT int32_t scan_put(Scan *scan, int32_t variant, int64_t line, Text text, const int32_t *spans) {
  return put_row(scan->rows + variant, scan->programme->variants + variant, line, 0, text, spans);
}

/* Free what rows hold. */
EXPORT void scan_free_rows(Rows *rows, const Programme *programme) {
  for (int32_t v = 0; v < programme->n_variants; v++) {
    for (int32_t f = 0; rows[v].columns && f < programme->variants[v].fields; f++) free_column(rows[v].columns + f);
    free(rows[v].columns);
    free(rows[v].lines);
  }
}

/* Tell which rule of an index a body matches, and where its fields begin and end; NONE for none, UNCLEAR where Python must look. */
EXPORT int32_t scan_match(const Programme *programme, int32_t index, Text text, int64_t length, int32_t *spans) {
  if (length > LONGEST_BODY) return UNCLEAR;
  Body body = body_of(text, text + length);
  int32_t variant = search(programme, programme->indexes + index, &body);
  if (variant >= 0) memcpy(spans, body.spans, 2 * sizeof *spans * (size_t)programme->variants[variant].fields);
  return variant;
}

/* Count the line ends from `begin` to `end`: in a byte, of so few that it can hold, which compilers do for many at once. */
EXPORT int64_t scan_count_lines(Text data, int64_t begin, int64_t end) {
  int64_t count = 0;
  while (begin < end) {
    uint8_t some = 0;
    for (int64_t stop = end - begin > UINT8_MAX ? begin + UINT8_MAX : end; begin < stop; begin++) some += data[begin] == '\n';
    count += some;
  }
  return count;
}

/* Count for each of some sorted lines how many sorted marks stand at or before it, for tables that join lines by place. */
EXPORT void scan_counts_upto(const int64_t *lines, int64_t n_lines, const int64_t *marks, int64_t n_marks, int32_t *counts) {
  int32_t count = 0;
  for (int64_t k = 0; k < n_lines; k++) {
    while (count < n_marks && marks[count] <= lines[k]) count++;
    counts[k] = count;
  }
}
