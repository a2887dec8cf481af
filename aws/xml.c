/* SPDX-License-Identifier: MIT */
/* Parses XML from outside, within bounds, by libxml2's push parser. */
#include "xml.h"

#include <ctype.h>
#include <errno.h>
#include <libxml/parser.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "utf8.h"

/* Bytes that libxml2 gets at once. Its push parser refuses to look ahead over more than 10 MB, and
 * its own buffer grows with the pieces; small pieces cost no time. */
#define CHUNK     4096
/* Bytes of all different names in a document; EC2 uses some sixty names. libxml2's own bound is 10
 * MB, with which a hostile document takes minutes, because its hash table of names stops growing.
 */
#define NAMES_MAX ((size_t)64 << 10)

/* Stands in for a character that XML does not permit, on its way through the parser. It is a
 * non-character as long as U+FFFD, by which xml_closed() replaces it. */
#define STAND_IN    "\xef\xb7\x90"
#define REPLACEMENT "\xef\xbf\xbd"
/* The longest reference: "&#1114111;" with leading zeros. */
#define TOKEN_MAX   16

struct xml_reader {
	struct xml_handler handler;
	xmlParserCtxtPtr parser;
	struct buf text;
	size_t text_len; /* length of the current text, as sent */
	int depth;
	bool leaf;       /* the current element contains no element so far */
	bool replaced;   /* a character was replaced by STAND_IN in this document */
	bool altered;    /* characters of the current text were replaced, or it was cut */
	int result;      /* -errno: reading was stopped */
	struct err *err; /* the caller's, for the current call */
	char piece[CHUNK];
	size_t n_piece;
	char token[TOKEN_MAX]; /* an incomplete character or reference */
	size_t n_token;
};

static void xml_stop(struct xml_reader *r, int result)
{
	if (r->result || !result)
		return;
	r->result = result;
	xmlStopParser(r->parser);
}

static void xml_opened(void *arg, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri,
	int n_namespaces, const xmlChar **namespaces, int n_attributes, int n_defaulted,
	const xmlChar **attributes)
{
	struct xml_reader *r = arg;

	(void)prefix, (void)uri, (void)n_namespaces, (void)namespaces;
	(void)n_attributes, (void)n_defaulted, (void)attributes;
	if (r->result)
		return;
	if (++r->depth > XML_DEPTH_END) {
		xml_stop(r, err_set(r->err, EIO, "the XML is nested deeper than %d elements",
				    XML_DEPTH_END));
		return;
	}
	r->leaf = true;
	buf_clear(&r->text);
	r->text_len = 0;
	if (r->handler.open && r->depth <= XML_DEPTH_MAX)
		xml_stop(r, r->handler.open(r->handler.arg, r->depth, (const char *)name, r->err));
}

/* Replaces STAND_IN by U+FFFD. Returns whether the text had any. */
static bool xml_restore_replaced(struct buf *text)
{
	char *at = text->data, *end = at ? at + text->len : NULL;
	bool any = false;

	while (at && (at = memmem(at, (size_t)(end - at), STAND_IN, 3))) {
		memcpy(at, REPLACEMENT, 3);
		any = true;
	}
	return any;
}

static void xml_closed(void *arg, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri)
{
	struct xml_reader *r = arg;
	const char *text = NULL;

	(void)prefix, (void)uri;
	if (r->result)
		return;
	r->altered = r->leaf && r->text_len > r->text.len;
	if (r->leaf) {
		r->altered |= r->replaced && xml_restore_replaced(&r->text);
		text = buf_str(&r->text);
	}
	if (r->depth <= XML_DEPTH_MAX)
		xml_stop(r, r->handler.close(r->handler.arg, r->depth, (const char *)name, text,
				    text ? r->text.len : 0, r->err));
	r->leaf = false;
	r->depth--;
}

bool xml_reader_is_altered(const struct xml_reader *r)
{
	return r->altered;
}

static void xml_characters(void *arg, const xmlChar *data, int len)
{
	struct xml_reader *r = arg;

	/* Text between elements is white space; it is bounded, and dropped at the next tag. */
	if (r->result || !r->leaf)
		return;
	r->text_len += (size_t)len;
	if (r->text_len > XML_TEXT_END)
		xml_stop(r, err_set(r->err, EIO, "the XML has a text longer than %zu bytes",
				    XML_TEXT_END));
	/* A long text is cut between two pieces, which are whole characters. */
	else if (r->text_len <= XML_TEXT_MAX && buf_add(&r->text, data, (size_t)len) < 0)
		xml_stop(r, err_set(r->err, ENOMEM, "out of memory"));
}

static void xml_has_dtd(
	void *arg, const xmlChar *name, const xmlChar *external_id, const xmlChar *system_id)
{
	struct xml_reader *r = arg;

	(void)name, (void)external_id, (void)system_id;
	xml_stop(r, err_set(r->err, EIO, "the XML has a document type definition"));
}

/* Without this handler libxml2 prints its errors; they are read from the parser instead. */
static void xml_silent(void *arg, xmlErrorPtr error)
{
	(void)arg, (void)error;
}

static int xml_fault(struct xml_reader *r)
{
	const xmlError *e = xmlCtxtGetLastError(r->parser);

	if (xmlDictGetUsage(r->parser->dict) >= NAMES_MAX)
		return err_set(r->err, EIO, "the XML has too many different names");
	if (e && e->code == XML_ERR_NO_MEMORY)
		return err_set(r->err, ENOMEM, "out of memory");
	if (!e || !e->message)
		return err_set(r->err, EIO, "not well-formed XML");
	return err_set(r->err, EIO, "not well-formed XML (line %d: %.*s)", e->line,
		(int)strcspn(e->message, "\n"), e->message);
}

struct xml_reader *xml_reader_create(const struct xml_handler *handler)
{
	/* Ignorable white space gets the same handler; otherwise libxml2 would decide which text is
	 * ignorable. */
	xmlSAXHandler sax = {.initialized = XML_SAX2_MAGIC,
		.startElementNs = xml_opened,
		.endElementNs = xml_closed,
		.characters = xml_characters,
		.ignorableWhitespace = xml_characters,
		.internalSubset = xml_has_dtd,
		.serror = xml_silent};
	struct xml_reader *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->handler = *handler;
	r->parser = xmlCreatePushParserCtxt(&sax, r, NULL, 0, NULL);
	if (!r->parser) {
		free(r);
		return NULL;
	}
	/* The text has been converted to UTF-8, whatever encoding the document declares. */
	xmlCtxtUseOptions(r->parser, XML_PARSE_NONET | XML_PARSE_IGNORE_ENC);
	xmlDictSetLimit(r->parser->dict, NAMES_MAX);
	return r;
}

/* --- characters that XML does not permit --- */

static void xml_push(struct xml_reader *r, const char *data, size_t len)
{
	if (!r->result && xmlParseChunk(r->parser, data, (int)len, 0) && !r->result)
		r->result = xml_fault(r);
}

static void xml_flush(struct xml_reader *r)
{
	if (r->n_piece)
		xml_push(r, r->piece, r->n_piece);
	r->n_piece = 0;
}

static void xml_add(struct xml_reader *r, const char *data, size_t len)
{
	while (len && !r->result) {
		size_t room = sizeof(r->piece) - r->n_piece, n = len < room ? len : room;

		if (n == sizeof(r->piece)) {
			xml_push(r, data, n); /* a whole piece is passed on without a copy */
		} else {
			memcpy(r->piece + r->n_piece, data, n);
			r->n_piece += n;
			if (r->n_piece == sizeof(r->piece))
				xml_flush(r);
		}
		data += n;
		len -= n;
	}
}

/* XML 1.0, production 2. */
static bool xml_is_permitted(uint32_t c)
{
	return c == '\t' || c == '\n' || c == '\r' || (c >= 0x20 && c <= 0xd7ff) ||
	       (c >= 0xe000 && c <= 0xfffd) || (c >= 0x10000 && c <= 0x10ffff);
}

/* Returns the length of a numeric character reference; 0: incomplete; 1: malformed, which the
 * parser reports. */
static size_t xml_reference(const char *s, size_t len, bool *permitted)
{
	bool hex = len > 2 && s[2] == 'x';
	size_t at = hex ? 3 : 2;
	uint32_t c = 0;

	*permitted = true;
	if (len > 1 && s[1] != '#')
		return 1;
	for (; at < len && at < TOKEN_MAX; at++) {
		unsigned char digit = (unsigned char)s[at];

		if (s[at] == ';') {
			*permitted = xml_is_permitted(c) || at == (hex ? 3 : 2);
			return at + 1;
		}
		if (hex ? !isxdigit(digit) : !isdigit(digit))
			return 1;
		if (c < 0x110000)
			c = c * (hex ? 16u : 10u) +
			    (isdigit(digit) ? digit - (unsigned)'0' : (digit | 0x20u) - 'a' + 10u);
	}
	return at < TOKEN_MAX ? 0 : 1;
}

/* Returns the length of the character or reference at s[0..len), len > 0; 0 and 1 as
 * xml_reference(). */
static size_t xml_token(const char *s, size_t len, bool *permitted)
{
	size_t n;
	uint32_t c;

	if (*s == '&')
		return xml_reference(s, len, permitted);
	n = utf8_decode(s, len, &c);
	*permitted = n && xml_is_permitted(c);
	if (!n && utf8_is_cut(s, len))
		return 0;
	return n ? n : 1;
}

/* Returns whether a byte needs a check: part of a longer character (negative), a control character,
 * or '&'. */
static unsigned char xml_is_special(signed char c)
{
	return c < ' ' ? c != '\n' && c != '\t' && c != '\r' : c == '&';
}

/* Returns how many bytes at the beginning need no check. Nearly all of EC2's bytes do not, so they
 * are counted in blocks, which compilers turn into vector instructions. */
static size_t xml_plain(const char *s, size_t len)
{
	enum { BLOCK = 32 };
	size_t n = 0;

	for (; len - n >= BLOCK; n += BLOCK) {
		unsigned char special = 0;

		for (size_t i = 0; i < BLOCK; i++)
			special += xml_is_special((signed char)s[n + i]);
		if (special)
			break;
	}
	while (n < len && !xml_is_special((signed char)s[n]))
		n++;
	return n;
}

/* Passes all complete characters to the parser. Returns the number of bytes that are left. */
static size_t xml_clean(struct xml_reader *r, const char *s, size_t len)
{
	while (len && !r->result) {
		size_t n = xml_plain(s, len);
		bool permitted = true;

		if (!n)
			n = xml_token(s, len, &permitted);
		if (!n)
			break;
		if (permitted)
			xml_add(r, s, n);
		else
			xml_add(r, STAND_IN, 3);
		r->replaced |= !permitted;
		s += n;
		len -= n;
	}
	return r->result ? 0 : len;
}

int xml_reader_read(struct xml_reader *r, const char *data, size_t len, struct err *err)
{
	r->err = err;
	while (r->n_token && len && !r->result) {
		size_t left;

		r->token[r->n_token++] = *data++;
		len--;
		left = xml_clean(r, r->token, r->n_token);
		memmove(r->token, r->token + r->n_token - left, left);
		r->n_token = left;
	}
	if (!r->n_token && !r->result) {
		r->n_token = xml_clean(r, data, len);
		memcpy(r->token, data + len - r->n_token, r->n_token);
	}
	xml_flush(r);
	return r->result;
}

int xml_reader_end(struct xml_reader *r, struct err *err)
{
	r->err = err;
	xml_add(r, r->token, r->n_token);
	xml_flush(r);
	if (!r->result)
		xmlParseChunk(r->parser, NULL, 0, 1);
	if (!r->result && !r->parser->wellFormed)
		r->result = xml_fault(r);
	return r->result;
}

void xml_reader_destroy(struct xml_reader *r)
{
	if (!r)
		return;
	buf_finish(&r->text);
	xmlFreeParserCtxt(r->parser);
	free(r);
}

int xml_parse(const char *data, size_t len, const struct xml_handler *handler, struct err *err)
{
	struct xml_reader *reader = xml_reader_create(handler);
	int r;

	if (!reader)
		return err_set(err, ENOMEM, "out of memory");
	r = xml_reader_read(reader, data, len, err);
	if (!r)
		r = xml_reader_end(reader, err);
	xml_reader_destroy(reader);
	return r;
}

static bool xml_is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

const char *xml_trim(const char *text, size_t *len)
{
	const char *end = text + *len;

	while (text < end && xml_is_blank(*text))
		text++;
	while (end > text && xml_is_blank(end[-1]))
		end--;
	*len = (size_t)(end - text);
	return text;
}

void xml_setup(void)
{
	xmlInitParser();
}

/* --- the texts of a few elements --- */

int xml_check_root(int depth, const char *name, const char *root, struct err *err)
{
	if (depth == 1 && strcmp(name, root))
		return err_set(err, EIO, "the response is not a %s but a %.40s", root, name);
	return 0;
}

#define PATH_MAX_BYTES 256

struct texts_walk {
	const char *root;
	const struct xml_text *texts;
	size_t n;
	char path[PATH_MAX_BYTES]; /* path of the open element, below the root */
	size_t path_len;
};

static int texts_open(void *arg, int depth, const char *name, struct err *err)
{
	struct texts_walk *w = arg;
	size_t len = strlen(name);

	if (depth == 1)
		return xml_check_root(depth, name, w->root, err);
	if (w->path_len + len + 2 > sizeof(w->path))
		return err_set(err, EIO, "the XML has names that are too long");
	if (w->path_len)
		w->path[w->path_len++] = '/';
	memcpy(w->path + w->path_len, name, len + 1);
	w->path_len += len;
	return 0;
}

static int texts_close(
	void *arg, int depth, const char *name, const char *text, size_t len, struct err *err)
{
	struct texts_walk *w = arg;
	const char *slash;

	(void)name, (void)err;
	if (depth == 1)
		return 0;
	if (text)
		text = xml_trim(text, &len);
	for (size_t i = 0; text && i < w->n; i++)
		if (!strcmp(w->path, w->texts[i].path))
			snprintf(w->texts[i].out, w->texts[i].size, "%.*s", (int)len, text);
	slash = strrchr(w->path, '/');
	w->path_len = slash ? (size_t)(slash - w->path) : 0;
	w->path[w->path_len] = '\0';
	return 0;
}

int xml_texts(const char *body, size_t len, const char *root, const struct xml_text *texts,
	size_t n_texts, struct err *err)
{
	struct texts_walk w = {.root = root, .texts = texts, .n = n_texts};
	const struct xml_handler handler = {.open = texts_open, .close = texts_close, .arg = &w};

	for (size_t i = 0; i < n_texts; i++)
		texts[i].out[0] = '\0';
	return xml_parse(body, len, &handler, err);
}
