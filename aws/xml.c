/* SPDX-License-Identifier: MIT */
/* XML from outside, within bounds, by libxml2's push parser. */
#include "xml.h"

#include <errno.h>
#include <libxml/parser.h>
#include <string.h>

#include "buf.h"

/* The push parser refuses to look ahead over more than 10 MB; small pieces also keep its own buffer
 * small. */
#define CHUNK     32768
/* Bytes of all different names in a document. EC2 uses some sixty; libxml2's own bound of 10 MB
 * lets a hostile document cost minutes, since it looks each name up in a table that stops growing.
 */
#define NAMES_MAX ((size_t)64 << 10)

struct walk {
	const struct xml_handler *handler;
	xmlParserCtxtPtr parser;
	struct buf text;
	int depth;
	bool leaf;  /* no element was closed since the last one was opened */
	int result; /* -errno: stopped */
	struct err *err;
};

static void stop(struct walk *w, int result)
{
	if (w->result || !result)
		return;
	w->result = result;
	xmlStopParser(w->parser);
}

static void opened(void *arg, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri,
	int n_namespaces, const xmlChar **namespaces, int n_attributes, int n_defaulted,
	const xmlChar **attributes)
{
	struct walk *w = arg;

	(void)prefix, (void)uri, (void)n_namespaces, (void)namespaces;
	(void)n_attributes, (void)n_defaulted, (void)attributes;
	if (w->result)
		return;
	if (++w->depth > XML_DEPTH_MAX) {
		stop(w, err_set(w->err, EIO, "the XML is nested deeper than %d elements",
				XML_DEPTH_MAX));
		return;
	}
	w->leaf = true;
	buf_clear(&w->text);
	if (w->handler->open)
		stop(w, w->handler->open(w->handler->arg, w->depth, (const char *)name, w->err));
}

static void closed(void *arg, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri)
{
	struct walk *w = arg;
	const char *text = w->leaf ? buf_str(&w->text) : NULL;

	(void)prefix, (void)uri;
	if (w->result)
		return;
	stop(w, w->handler->close(w->handler->arg, w->depth, (const char *)name, text,
			text ? w->text.len : 0, w->err));
	w->leaf = false;
	w->depth--;
}

static void characters(void *arg, const xmlChar *data, int len)
{
	struct walk *w = arg;

	/* Between elements there is only white space: kept short by the bound, and thrown away at
	 * the next tag. */
	if (w->result || !w->leaf)
		return;
	switch (buf_add(&w->text, data, (size_t)len)) {
	case 0:
		return;
	case -EFBIG:
		stop(w, err_set(w->err, EIO, "the XML has a text longer than %zu bytes",
				XML_TEXT_MAX));
		return;
	default:
		stop(w, err_set(w->err, ENOMEM, "out of memory"));
	}
}

static void has_dtd(
	void *arg, const xmlChar *name, const xmlChar *external_id, const xmlChar *system_id)
{
	struct walk *w = arg;

	(void)name, (void)external_id, (void)system_id;
	stop(w, err_set(w->err, EIO, "the XML has a document type definition"));
}

/* Without one libxml2 prints its errors; what it found stays in the parser. */
static void silent(void *arg, xmlErrorPtr error)
{
	(void)arg, (void)error;
}

static int describe(struct walk *w)
{
	const xmlError *e = xmlCtxtGetLastError(w->parser);

	if (xmlDictGetUsage(w->parser->dict) >= NAMES_MAX)
		return err_set(w->err, EIO, "the XML has too many different names");
	if (e && e->code == XML_ERR_NO_MEMORY)
		return err_set(w->err, ENOMEM, "out of memory");
	if (!e || !e->message)
		return err_set(w->err, EIO, "not well-formed XML");
	return err_set(w->err, EIO, "not well-formed XML (line %d: %.*s)", e->line,
		(int)strcspn(e->message, "\n"), e->message);
}

static int parse(struct walk *w, const char *data, size_t len)
{
	for (size_t at = 0; at < len && !w->result; at += CHUNK) {
		size_t n = len - at < CHUNK ? len - at : CHUNK;

		if (xmlParseChunk(w->parser, data + at, (int)n, 0) && !w->result)
			return describe(w);
	}
	if (!w->result)
		xmlParseChunk(w->parser, NULL, 0, 1);
	if (w->result)
		return w->result;
	return w->parser->wellFormed ? 0 : describe(w);
}

int xml_parse(const char *data, size_t len, const struct xml_handler *handler, struct err *err)
{
	struct walk w = {.handler = handler, .err = err};
	/* The same handler for ignorable white space, or libxml2 would judge which text is
	 * ignorable. */
	xmlSAXHandler sax = {.initialized = XML_SAX2_MAGIC,
		.startElementNs = opened,
		.endElementNs = closed,
		.characters = characters,
		.ignorableWhitespace = characters,
		.internalSubset = has_dtd,
		.serror = silent};
	int r;

	w.parser = xmlCreatePushParserCtxt(&sax, &w, NULL, 0, NULL);
	if (!w.parser)
		return err_set(err, ENOMEM, "out of memory");
	xmlCtxtUseOptions(w.parser, XML_PARSE_NONET);
	xmlDictSetLimit(w.parser->dict, NAMES_MAX);
	buf_init(&w.text, XML_TEXT_MAX);
	r = parse(&w, data, len);
	buf_finish(&w.text);
	xmlFreeParserCtxt(w.parser);
	return r;
}

void xml_setup(void)
{
	xmlInitParser();
}
