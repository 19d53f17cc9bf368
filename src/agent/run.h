/* run.h: the verb `run`: from the configuration to the exit status (sysexits). */
#ifndef AGENT_RUN_H
#define AGENT_RUN_H

int agent_run(const char *config_file);

#endif
