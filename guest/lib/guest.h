/*
 * guest.h - the whole library in one include, for programs.
 */
#ifndef ACRE_GUEST_LIB_GUEST_H
#define ACRE_GUEST_LIB_GUEST_H

#include "guest/lib/apic.h"
#include "guest/lib/boot.h"
#include "guest/lib/code.h"
#include "guest/lib/console.h"
#include "guest/lib/cpu.h"
#include "guest/lib/exit.h"
#include "guest/lib/interrupt.h"
#include "guest/lib/io.h"
#include "guest/lib/paging.h"
#include "guest/lib/report.h"
#include "guest/lib/string.h"
#include "guest/lib/test.h"
#include "guest/lib/testdev.h"
#include "guest/lib/time.h"
#include "guest/lib/tree.h"
#include "guest/lib/user.h"

#endif
