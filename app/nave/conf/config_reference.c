// SPDX-License-Identifier: BSD-3-Clause
// Writes docs/config.md to its output.
#include "conf.h"

int main(void) {
	conf_print_reference(stdout);
	return fflush(stdout) == 0 ? 0 : 1;
}
