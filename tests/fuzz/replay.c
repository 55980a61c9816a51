// SPDX-License-Identifier: BSD-3-Clause
// Stands in for libFuzzer in a plain build: runs a harness over the files of a corpus, and over each cut short.
#include "fuzz.h"

#include <dirent.h>
#include <errno.h>

#define INPUT_MAX 65536

static void replay_file(const char *folder, const char *name) {
	static uint8_t bytes[INPUT_MAX];
	char path[4096];
	size_t len;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	f = fopen(path, "rb");
	FUZZ_CHECK(f);
	len = fread(bytes, 1, sizeof(bytes), f);
	fclose(f);
	for (size_t cut = 0; cut <= len; cut++) {
		uint8_t *exact = malloc(len - cut + 1); // a byte more, since malloc(0) may be NULL

		FUZZ_CHECK(exact);
		memcpy(exact + 1, bytes, len - cut); // so that ASan sees a read behind the end
		LLVMFuzzerTestOneInput(exact + 1, len - cut);
		free(exact);
	}
}

int main(int argc, char **argv) {
	DIR *d = argc == 2 ? opendir(argv[1]) : NULL;
	unsigned n = 0;

	if (!d) {
		fprintf(stderr, "usage: replay CORPUS (%s)\n", strerror(errno));
		return 2;
	}
	for (struct dirent *e; (e = readdir(d));) {
		if (e->d_name[0] == '.')
			continue;
		replay_file(argv[1], e->d_name);
		n++;
	}
	closedir(d);
	printf("%u inputs\n", n);
	return n ? 0 : 1;
}
