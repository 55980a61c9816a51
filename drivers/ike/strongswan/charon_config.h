// SPDX-License-Identifier: GPL-2.0-or-later
// Included before everything else: of the config.h that Debian's strongSwan was built with, what its headers look at.
#pragma once

// Debian configures --enable-mediation. Without ME, daemon_t, peer_cfg_t and ike_sa_t have another layout: a call of
// what lies behind the difference would be a call of something else.
#define ME 1

#define CONFIG_H_INCLUDED 1 // library.h insists
#define USE_IKEV1 1
#define USE_IKEV2 1
#define HAVE_CLOCK_GETTIME 1
#define HAVE_CONDATTR_CLOCK_MONOTONIC 1
#define HAVE_EXPLICIT_BZERO 1
#define HAVE_GCC_ATOMIC_OPERATIONS 1
#define HAVE_PRINTF_SPECIFIER 1
#define HAVE_SIGWAITINFO 1
#define HAVE_STDBOOL_H 1
#define HAVE_SYS_PARAM_H 1
