/* SPDX-License-Identifier: MIT */
/* XML from outside, within bounds, by libxml2's push parser. */
#include "xml.h"

#include <errno.h>
#include <libxml/parser.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"

/* The push parser refuses to look ahead over more than 10 MB. Its own buffer is as large as the
 * pieces that it gets, and small ones cost it no time. */
#define CHUNK     4096
/* Bytes of all different names in a document. EC2 uses some sixty; libxml2's own bound of 10 MB
 * lets a hostile document cost minutes, since it looks each name up in a table that stops growing.
 */
#define NAMES_MAX ((size_t)64 << 10)

struct xml_reader {
	struct xml_handler handler;
	xmlParserCtxtPtr parser;
	struct buf text;
	int depth;
	bool leaf;       /* no element was closed since the last one was opened */
	int result;      /* -errno: stopped */
	struct err *err; /* the present call's */
};

static void stop(struct xml_reader *r, int result)
{
	if (r->result || !result)
		return;
	r->result = result;
	xmlStopParser(r->parser);
}

static void opened(void *arg, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri,
	int n_namespaces, const xmlChar **namespaces, int n_attributes, int n_defaulted,
	const xmlChar **attributes)
{
	struct xml_reader *r = arg;

	(void)prefix, (void)uri, (void)n_namespaces, (void)namespaces;
	(void)n_attributes, (void)n_defaulted, (void)attributes;
	if (r->result)
		return;
	if (++r->depth > XML_DEPTH_MAX) {
		stop(r, err_set(r->err, EIO, "the XML is nested deeper than %d elements",
				XML_DEPTH_MAX));
		return;
	}
	r->leaf = true;
	buf_clear(&r->text);
	if (r->handler.open)
		stop(r, r->handler.open(r->handler.arg, r->depth, (const char *)name, r->err));
}

static void closed(void *arg, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri)
{
	struct xml_reader *r = arg;
	const char *text = r->leaf ? buf_str(&r->text) : NULL;

	(void)prefix, (void)uri;
	if (r->result)
		return;
	stop(r, r->handler.close(r->handler.arg, r->depth, (const char *)name, text,
			text ? r->text.len : 0, r->err));
	r->leaf = false;
	r->depth--;
}

static void characters(void *arg, const xmlChar *data, int len)
{
	struct xml_reader *r = arg;

	/* Between elements there is only white space: kept short by the bound, and thrown away at
	 * the next tag. */
	if (r->result || !r->leaf)
		return;
	switch (buf_add(&r->text, data, (size_t)len)) {
	case 0:
		return;
	case -EFBIG:
		stop(r, err_set(r->err, EIO, "the XML has a text longer than %zu bytes",
				XML_TEXT_MAX));
		return;
	default:
		stop(r, err_set(r->err, ENOMEM, "out of memory"));
	}
}

static void has_dtd(
	void *arg, const xmlChar *name, const xmlChar *external_id, const xmlChar *system_id)
{
	struct xml_reader *r = arg;

	(void)name, (void)external_id, (void)system_id;
	stop(r, err_set(r->err, EIO, "the XML has a document type definition"));
}

/* Without one libxml2 prints its errors; what it found stays in the parser. */
static void silent(void *arg, xmlErrorPtr error)
{
	(void)arg, (void)error;
}

static int describe(struct xml_reader *r)
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
	/* The same handler for ignorable white space, or libxml2 would judge which text is
	 * ignorable. */
	xmlSAXHandler sax = {.initialized = XML_SAX2_MAGIC,
		.startElementNs = opened,
		.endElementNs = closed,
		.characters = characters,
		.ignorableWhitespace = characters,
		.internalSubset = has_dtd,
		.serror = silent};
	struct xml_reader *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->handler = *handler;
	r->parser = xmlCreatePushParserCtxt(&sax, r, NULL, 0, NULL);
	if (!r->parser) {
		free(r);
		return NULL;
	}
	xmlCtxtUseOptions(r->parser, XML_PARSE_NONET);
	xmlDictSetLimit(r->parser->dict, NAMES_MAX);
	buf_init(&r->text, XML_TEXT_MAX);
	return r;
}

int xml_reader_read(struct xml_reader *r, const char *data, size_t len, struct err *err)
{
	r->err = err;
	for (size_t at = 0; at < len && !r->result; at += CHUNK) {
		size_t n = len - at < CHUNK ? len - at : CHUNK;

		if (xmlParseChunk(r->parser, data + at, (int)n, 0) && !r->result)
			return r->result = describe(r);
	}
	return r->result;
}

int xml_reader_end(struct xml_reader *r, struct err *err)
{
	r->err = err;
	if (!r->result)
		xmlParseChunk(r->parser, NULL, 0, 1);
	if (!r->result && !r->parser->wellFormed)
		r->result = describe(r);
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

void xml_setup(void)
{
	xmlInitParser();
}
