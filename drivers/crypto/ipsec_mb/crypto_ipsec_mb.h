// SPDX-License-Identifier: BSD-3-Clause
// esp_crypto.h on intel-ipsec-mb: every suite but NULL, on the worker itself.
#pragma once

#include "esp_crypto.h"

extern const struct esp_crypto_ops crypto_ipsec_mb_ops;
