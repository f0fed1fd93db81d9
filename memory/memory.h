/*
 * memory.h - the memory API. Include this. In reading order: memtx.h (accesses, ranges), owner.h
 * (locks), region.h (the tree), ram.h (host memory), dirty.h (what was written to it), flatview.h
 * (what each address shows), address_space.h (accesses), map.h (host pointers for DMA), iommu.h
 * (translated spaces), listener.h (who is told), core.h (transactions), explain.h (who answers, and
 * why), walk.h and print.h (listings).
 */
#ifndef ACRE_MEMORY_MEMORY_H
#define ACRE_MEMORY_MEMORY_H

#include "memory/address_space.h"
#include "memory/core.h"
#include "memory/dirty.h"
#include "memory/explain.h"
#include "memory/flatview.h"
#include "memory/iommu.h"
#include "memory/listener.h"
#include "memory/map.h"
#include "memory/memtx.h"
#include "memory/owner.h"
#include "memory/print.h"
#include "memory/ram.h"
#include "memory/region.h"
#include "memory/walk.h"

#endif
