/* main.c: the program is its command line; the agent is its verb `run`. */
#include "cli/cli.h"

int main(int argc, char **argv)
{
    return cli_main(argc, argv);
}
