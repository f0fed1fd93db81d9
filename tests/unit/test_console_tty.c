/* test_console_tty.c - the terminal given back by a thread that cannot use its own stack. */
#include "vmm/console_tty.h"

#include <check.h>
#include <pthread.h>
#include <pty.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "run_suite.h"

/* Each call keeps a page of the stack; the byte that would end it is never 0. */
static int recurse(const volatile char *above)
{
    volatile char page[4096];

    page[0] = *above;
    return page[0] ? recurse(page) + page[0] : 0;
}

/* As a vCPU's thread: a stack of its own for signals. */
static void *overflow_the_stack(void *opaque)
{
    static char own_stack[64 << 10];
    const stack_t stack = {.ss_sp = own_stack, .ss_size = sizeof(own_stack)};
    const char one = 1;

    (void)sigaltstack(&stack, NULL);
    (void)recurse(&one);
    return opaque;
}

/* The child: leads a session on the terminal, makes it raw and dies. Never returns. */
static void take_and_die(int tty)
{
    pthread_t thread;
    struct termios now;

    (void)setsid();
    (void)ioctl(tty, TIOCSCTTY, 0);
    if (!console_tty_take(tty) || tcgetattr(tty, &now) < 0 || (now.c_lflag & ICANON)) {
        _exit(99);
    }
    if (pthread_create(&thread, NULL, overflow_the_stack, NULL) != 0) {
        _exit(98);
    }
    (void)pthread_join(thread, NULL);
    _exit(97);
}

START_TEST(terminal_is_restored_when_a_thread_overflows_its_stack)
{
    struct termios before, after;
    int master, tty, status = 0;
    pid_t pid;

    ck_assert_int_eq(openpty(&master, &tty, NULL, NULL, NULL), 0);
    ck_assert_int_eq(tcgetattr(tty, &before), 0);
    pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        take_and_die(tty);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFSIGNALED(status));
    ck_assert_int_eq(WTERMSIG(status), SIGSEGV);
    ck_assert_int_eq(tcgetattr(tty, &after), 0);
    ck_assert_uint_eq(after.c_lflag, before.c_lflag);
    ck_assert_uint_eq(after.c_iflag, before.c_iflag);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("console_tty");
    TCase *tcase = tcase_create("console_tty");

    tcase_add_test(tcase, terminal_is_restored_when_a_thread_overflows_its_stack);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
