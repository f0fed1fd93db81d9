/* version.h - which acre this is. The Makefile reads it, too. */
#ifndef ACRE_VMM_VERSION_H
#define ACRE_VMM_VERSION_H

#define ACRE_VERSION_MAJOR 0
#define ACRE_VERSION_MINOR 1
#define ACRE_VERSION_MICRO 0
#define ACRE_VERSION "acre 0.1"

#endif
