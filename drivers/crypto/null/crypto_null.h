// SPDX-License-Identifier: BSD-3-Clause
// Every suite's framing and none of its work: text stays clear, an ICV is zeros and is never wrong. For measuring
// everything else, and for tests. Never for traffic that somebody else can see.
#pragma once

#include "esp_crypto.h"

extern const struct esp_crypto_ops crypto_null_ops;
