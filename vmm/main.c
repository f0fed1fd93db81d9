/* main.c - the command line's front door. The only file that ends the process. */
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        (void)puts("acre 0.1");
        return 0;
    }
    (void)fputs("acre: error: usage: acre --version\n", stderr);
    return 125;
}
