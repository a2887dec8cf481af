/* SPDX-License-Identifier: MIT */
/* secret_mask: secrets in other people's words, however they are written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cleanup.h"
#include "secret_mask.h"

#define TOKEN "IQoJb3Jp/Z2lu+X2Vj=="

static void test_secrets(void **state)
{
	static const struct {
		const char *text, *masked;
	} table[] = {
		{"", ""},
		{"nothing to see", "nothing to see"},
		{TOKEN, "********************"},
		{"token: " TOKEN ".", "token: ********************."},
		{TOKEN TOKEN, "****************************************"},
		{"<" TOKEN "> and again " TOKEN,
			"<********************> and again ********************"},
		/* once and twice percent */
		{"a=IQoJb3Jp%2FZ2lu%2bX2Vj%3D%3D&b=c", "a=****************************&b=c"},
		{"a=IQoJb3Jp%252FZ2lu%252bX2Vj%253D%253D&b=c",
			"a=************************************&b=c"},
		/* JSON, XML */
		{"\"IQoJb3Jp\\/Z2lu+X2Vj==\"", "\"*********************\""},
		{"IQoJb3Jp/Z2lu&#43;X2Vj&#x3D;=", "*****************************"},
		/* cut off, by the text's end or by who wrote it */
		{"IQoJb3Jp/Z2l", "************"},
		{"IQoJb3Jp/Z2lu... is expired", "*************... is expired"},
		{"IQoJb3Jp/Z2", "IQoJb3Jp/Z2"},
		{"IQoJb3JpIQoJb3Jp/Z2lu+X2Vj==", "IQoJb3Jp********************"},
		/* the other secrets */
		{"short: abc, key: wJalrXUtnFEMI/K7MDENG",
			"short: abc, key: *********************"},
		{"%", "%"},
		{"%2", "%2"},
		{"&#", "&#"},
		{"IQoJb3Jp&#x", "IQoJb3Jp&#x"},
	};
	static const char *const secrets[] = {TOKEN, NULL, "abc", "wJalrXUtnFEMI/K7MDENG"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		/* exactly as large as the text, for valgrind and the sanitizer to watch over */
		size_t len = strlen(table[i].text);
		_cleanup_free_ char *text = malloc(len + 1);

		memcpy(text, table[i].text, len);
		secret_mask(text, len, secrets, ARRAY_LEN(secrets));
		text[len] = '\0';
		assert_string_equal(text, table[i].masked);
	}
}

#define HEX32 "0123456789abcdef0123456789ABCDEF"
#define STARS "********************************"

static void test_signatures(void **state)
{
	static const struct {
		const char *text, *masked;
	} table[] = {
		{HEX32 HEX32, STARS STARS},
		{"Signature=" HEX32 HEX32 ", x", "Signature=" STARS STARS ", x"},
		{HEX32 "-" HEX32, HEX32 "-" HEX32},
		{"a" HEX32 HEX32 "b.", "**" STARS STARS "."},
		{"&Signature=6G8xjkA7p%2Fv7tg%3D", "&Signature=*******************"},
		{"Signature%3D6G8xjkA7p+/=&", "Signature%3D************&"},
		{"The signature does not match", "The signature does not match"},
		{"SignatureDoesNotMatch", "SignatureDoesNotMatch"},
		{"Signature", "Signature"},
		{"Signature=", "Signature="},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		size_t len = strlen(table[i].text);
		_cleanup_free_ char *text = malloc(len + 1);

		memcpy(text, table[i].text, len);
		secret_mask_signatures(text, len);
		text[len] = '\0';
		assert_string_equal(text, table[i].masked);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_secrets),
		cmocka_unit_test(test_signatures),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
