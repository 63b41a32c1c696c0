/* Fetches metrics from pmcd, as often as each line of stdin says, and prints the time of each fetch in microseconds.
   The first line it prints is the number of values of a fetch. Arguments: the host, then the metrics. */

#include <pcp/pmapi.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static void check(int status, const char *what)
{
    if (status < 0) {
        fprintf(stderr, "%s: %s\n", what, pmErrStr(status));
        exit(1);
    }
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1e6 + time.tv_nsec / 1e3;
}

/* Returns the number of values. */
static int fetch(int count, pmID *ids)
{
    pmResult *result;
    int values = 0;
    check(pmFetch(count, ids, &result), "pmFetch");
    for (int metric = 0; metric < result->numpmid; metric++) {
        check(result->vset[metric]->numval, pmIDStr(ids[metric]));
        values += result->vset[metric]->numval;
    }
    pmFreeResult(result);
    return values;
}

int main(int argc, char **argv)
{
    int count = argc - 2, times;
    if (count < 1)
        return 2;
    pmID *ids = calloc(count, sizeof(pmID));
    check(pmNewContext(PM_CONTEXT_HOST, argv[1]), argv[1]);
    check(pmLookupName(count, (const char **)argv + 2, ids), "pmLookupName");
    printf("%d\n", fetch(count, ids));
    fflush(stdout);
    while (scanf("%d", &times) == 1) {
        for (; times > 0; times--) {
            double start = now();
            fetch(count, ids);
            printf("%f\n", now() - start);
        }
        fflush(stdout);
    }
    return 0;
}
