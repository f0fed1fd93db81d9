/*
 * commands.h - the commands of the command line, one cmd_*.c each. A command reports its own
 * errors on stderr and returns the exit status; main.c alone ends the process.
 * @argv  arguments after the command's name.
 *
 * Context: the process's first thread, before any other.
 */
#ifndef ACRE_VMM_COMMANDS_H
#define ACRE_VMM_COMMANDS_H

enum { STATUS_ACRE_FAILED = 125 };

int cmd_run(int argc, char **argv);
int cmd_inspect(int argc, char **argv);
int cmd_test(int argc, char **argv);
int cmd_monitor(int argc, char **argv);
int cmd_top(int argc, char **argv);
int cmd_doctor(int argc, char **argv);

#endif
