/*
 * agent.c: a tillpost of the benchmark's own, with queue and socket in its directory.
 */
#include "bench/bench.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PATH_BYTES = BENCH_PATH_BYTES + 32, START_MAX_US = 30 * 1000 * 1000 };

/* A new file that only we can read, as the token must be. */
static FILE *create(const char *dir, const char *name)
{
    char path[PATH_BYTES];
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    int fd = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
    return fd < 0 ? NULL : fdopen(fd, "w");
}

static bool write_token(const char *dir)
{
    FILE *f = create(dir, "token");
    return f && fputs("bench-token\n", f) >= 0 && fclose(f) == 0;
}

static bool write_config(const char *dir, const struct agent_line *line)
{
    FILE *f = create(dir, "tillpost.json");
    if (!f) return false;
    fprintf(f, "{\"tiktok\":{");
    if (line->ca_file) fprintf(f, "\"ca_file\":\"%s\",", line->ca_file);
    fprintf(f,
            "\"event_set_id\":\"7000000000000000001\","
            "\"access_token_file\":\"%s/token\","
            "\"endpoint\":\"%s:%d/open_api/v1.3/event/track/\"},"
            "\"listen\":{\"socket\":\"%s/till.sock\"},"
            "\"queue\":{\"path\":\"%s/queue.db\",\"max_size\":\"4G\"},"
            "\"log\":{\"level\":\"warning\"}}\n",
            dir, line->ca_file ? "https://localhost" : "http://127.0.0.1", line->port, dir, dir);
    return fclose(f) == 0;
}

static void become_agent(const char *program, const char *dir)
{
    char config[PATH_BYTES], log[PATH_BYTES];
    snprintf(config, sizeof(config), "%s/tillpost.json", dir);
    snprintf(log, sizeof(log), "%s/agent.log", dir);
    int fd = open(log, O_CREAT | O_APPEND | O_WRONLY, 0600);
    if (fd >= 0) {
        dup2(fd, STDOUT_FILENO);
        dup2(fd, STDERR_FILENO);
    }
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    execl(program, program, "run", "--config", config, (char *)NULL);
    perror(program);
    _exit(127);
}

static bool wait_until_ready(pid_t pid, const char *dir)
{
    char path[PATH_BYTES];
    int64_t end_us = bench_now_us() + START_MAX_US;
    snprintf(path, sizeof(path), "%s/till.sock", dir);
    while (bench_now_us() < end_us && waitpid(pid, NULL, WNOHANG) == 0) {
        if (load_ask(path, "GET", "/healthz")) return true;
        nanosleep(&(struct timespec){.tv_nsec = 1000 * 1000}, NULL);
    }
    return false;
}

pid_t agent_again(const char *program, const char *dir)
{
    pid_t pid = fork();
    if (pid == 0) become_agent(program, dir);
    if (pid > 0 && !wait_until_ready(pid, dir)) {
        agent_end(pid);
        return -1;
    }
    return pid;
}

pid_t agent_begin_on(const char *program, const char *dir, const struct agent_line *line)
{
    return write_token(dir) && write_config(dir, line) ? agent_again(program, dir) : -1;
}

pid_t agent_begin(const char *program, const char *dir, int port)
{
    return agent_begin_on(program, dir, &(struct agent_line){.port = port});
}

bool agent_end(pid_t pid)
{
    int status = 0;
    kill(pid, SIGTERM);
    return waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}
