/* A client of sampled in C with sd-bus and sd-event. Debian: libsystemd-dev.
 *
 *     cc client.c -o client $(pkg-config --cflags --libs libsystemd)
 *     ./client
 *
 * sd-bus keeps the signals that arrive during a call until the call has returned.
 */
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#define NAME "io.github.sampled.Sampler1"
#define PATH "/io/github/sampled/Sampler1"
#define METRICS 4, metrics[0].id, metrics[1].id, metrics[2].id, metrics[3].id
#define _cleanup_(f) __attribute__((cleanup(f)))

static struct metric { const char *id; char unit[16], text[256], fault[16]; } metrics[] = {
    {"cpu/all/usage"}, {"room/desk/temperature"}, {"memory/physical/used"}, {"os/kernel/name"}, {NULL}};
#define N_METRICS (sizeof metrics / sizeof *metrics - 1)
static struct metric *columns[N_METRICS];
static size_t count;
static uint32_t session;
static unsigned frames;

static struct metric *find(const char *id)
{
    struct metric *metric = metrics;
    while (metric->id && strcmp(metric->id, id) != 0)
        metric++;
    return metric->id ? metric : NULL;
}

static int print_error(int r, const sd_bus_error *error)
{
    if (sd_bus_error_has_name(error, SD_BUS_ERROR_SERVICE_UNKNOWN))
        fputs("There is no " NAME " on this bus. Please install sampled.\n", stderr);
    else
        fprintf(stderr, "%s\n", error->message ? error->message : strerror(-r));
    return r;
}

static int list(sd_bus *bus)
{
    _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
    _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
    const char *id, *key;
    int r = sd_bus_call_method(bus, NAME, PATH, NAME, "List", &error, &reply,
                               "as", 2, "cpu/all", "memory/physical/used");
    if (r < 0)
        return print_error(r, &error);
    sd_bus_message_enter_container(reply, 'a', "{sa{sv}}");
    while ((r = sd_bus_message_enter_container(reply, 'e', "sa{sv}")) > 0) {
        const char *name = "", *unit = "", *group = "";
        sd_bus_message_read(reply, "s", &id);
        sd_bus_message_enter_container(reply, 'a', "{sv}");
        while (sd_bus_message_enter_container(reply, 'e', "sv") > 0) {
            sd_bus_message_read(reply, "s", &key);
            const char **value = !strcmp(key, "name") ? &name : !strcmp(key, "unit") ? &unit
                               : !strcmp(key, "group") ? &group : NULL;
            value ? sd_bus_message_read(reply, "v", "s", value) : sd_bus_message_skip(reply, "v");
            sd_bus_message_exit_container(reply);
        }
        sd_bus_message_exit_container(reply);
        sd_bus_message_exit_container(reply);
        printf("metric %s: %s [%s], %s\n", id, name, unit, group);
        if (find(id))
            snprintf(find(id)->unit, sizeof find(id)->unit, "%s", unit);
    }
    return r;
}

static int sample(sd_bus *bus)
{
    _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
    _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
    const char *id, *type, *word;
    double value;
    /* A new service needs two reads, 200 ms apart, for a rate: within 100 ms there is the fault `timeout`. */
    int r = sd_bus_call_method(bus, NAME, PATH, NAME, "Sample", &error, &reply, "asa{sv}", METRICS,
                               2, "optional", "b", 1, "timeout", "t", UINT64_C(100000));
    if (r < 0)
        return print_error(r, &error);
    sd_bus_message_skip(reply, "t");
    sd_bus_message_enter_container(reply, 'a', "{sv}");
    while (sd_bus_message_enter_container(reply, 'e', "sv") > 0) {
        sd_bus_message_read(reply, "s", &id);
        sd_bus_message_peek_type(reply, NULL, &type);
        if (*type == 'd' && sd_bus_message_read(reply, "v", "d", &value) >= 0)
            printf("now: %s = %.1f %s\n", id, value, find(id)->unit);
        else if (*type == 's' && sd_bus_message_read(reply, "v", "s", &word) >= 0)
            printf("now: %s = %s\n", id, word);
        sd_bus_message_exit_container(reply);
    }
    sd_bus_message_exit_container(reply);
    sd_bus_message_enter_container(reply, 'a', "{ss}");
    while ((r = sd_bus_message_read(reply, "{ss}", &id, &word)) > 0)
        printf("now: %s = (%s)\n", id, word);
    return r;
}

static int start(sd_bus *bus)
{
    _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
    _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
    session = 0;
    int r = sd_bus_call_method(bus, NAME, PATH, NAME, "Start", &error, &reply, "asta{sv}", METRICS,
                               UINT64_C(1000000), 2, "label", "s", "c-sd-bus", "optional", "b", 1);
    /* A service that ends while it is called loses its name: on_owner_changed starts anew. */
    if (sd_bus_error_has_name(&error, SD_BUS_ERROR_NO_REPLY) ||
        sd_bus_error_has_name(&error, "io.github.sampled.Error.Stopping"))
        return 0;
    return r < 0 ? print_error(r, &error) : sd_bus_message_read(reply, "u", &session);
}

/* With columns, it is the whole state; without, what has changed. */
static int changed(sd_bus_message *message)
{
    const char *id, *word;
    size_t new = 0;
    sd_bus_message_enter_container(message, 'a', "s");
    while (new < N_METRICS && sd_bus_message_read(message, "s", &id) > 0)
        columns[new++] = find(id);
    sd_bus_message_exit_container(message);
    if (new > 0) {
        printf("columns:");
        for (count = 0; count < new; count++) {
            printf(" %s", columns[count]->id);
            *columns[count]->text = *columns[count]->fault = '\0';
        }
        printf("\n");
    }
    sd_bus_message_enter_container(message, 'a', "{ss}");
    while (sd_bus_message_read(message, "{ss}", &id, &word) > 0)
        snprintf(find(id)->text, sizeof find(id)->text, "%s", word);
    sd_bus_message_exit_container(message);
    sd_bus_message_enter_container(message, 'a', "{ss}");
    while (sd_bus_message_read(message, "{ss}", &id, &word) > 0)
        snprintf(find(id)->fault, sizeof find(id)->fault, "%s", word);
    return sd_bus_message_exit_container(message);
}

static int sampled(sd_bus_message *message)
{
    const double *values;
    size_t size;
    sd_bus_message_skip(message, "t");
    int r = sd_bus_message_read_array(message, 'd', (const void **)&values, &size);
    frames++;
    for (size_t i = 0; r >= 0 && i < count && i < size / sizeof *values; i++) {
        const struct metric *metric = columns[i];
        if (!isnan(values[i]))
            printf("frame %u: %s = %.1f %s\n", frames, metric->id, values[i], metric->unit);
        else if (*metric->fault || !*metric->text)
            printf("frame %u: %s = (%s)\n", frames, metric->id, *metric->fault ? metric->fault : "stale");
        else
            printf("frame %u: %s = %s\n", frames, metric->id, metric->text);
    }
    return frames == 5 ? sd_event_exit(sd_bus_get_event(sd_bus_message_get_bus(message)), 0) : r;
}

static int on_signal(sd_bus_message *message, void *data, sd_bus_error *error)
{
    uint32_t number;
    const char *reason;
    int r = sd_bus_message_read(message, "u", &number);
    if (r < 0 || number != session) /* a detached session of another program, which all programs hear */
        return r < 0 ? r : 0;
    if (sd_bus_message_is_signal(message, NAME, "Changed"))
        return changed(message);
    if (sd_bus_message_is_signal(message, NAME, "Sampled"))
        return sampled(message);
    /* After the reason `stopping` the owner of the name changes. */
    if (sd_bus_message_is_signal(message, NAME, "Ended") && sd_bus_message_read(message, "s", &reason) >= 0 &&
        strcmp(reason, "stopping") != 0) {
        fprintf(stderr, "the session has ended: %s\n", reason);
        return sd_event_exit(sd_bus_get_event(sd_bus_message_get_bus(message)), EXIT_FAILURE);
    }
    return 0;
}

static int on_owner_changed(sd_bus_message *message, void *data, sd_bus_error *error)
{
    sd_bus *bus = sd_bus_message_get_bus(message);
    const char *name, *old;
    int r = sd_bus_message_read(message, "ss", &name, &old);
    if (r < 0 || !*old)
        return r;
    printf("the service has gone: starting again\n"); /* and its sessions with it */
    return start(bus) < 0 ? sd_event_exit(sd_bus_get_event(bus), EXIT_FAILURE) : 0;
}

int main(void)
{
    _cleanup_(sd_event_unrefp) sd_event *event = NULL;
    _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
    sigset_t signals;
    int r;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    if ((r = sd_event_default(&event)) < 0 || (r = sd_bus_open_user(&bus)) < 0 ||
        (r = sd_bus_attach_event(bus, event, SD_EVENT_PRIORITY_NORMAL)) < 0 ||
        (r = sd_bus_set_exit_on_disconnect(bus, 1)) < 0 ||
        /* Without a handler, a signal ends the loop. */
        (r = sd_event_add_signal(event, NULL, SIGINT, NULL, NULL)) < 0 ||
        (r = sd_event_add_signal(event, NULL, SIGTERM, NULL, NULL)) < 0 ||
        (r = sd_bus_match_signal(bus, NULL, NAME, PATH, NAME, NULL, on_signal, NULL)) < 0 ||
        (r = sd_bus_add_match(bus, NULL, "type='signal',sender='org.freedesktop.DBus',member='NameOwnerChanged',"
                              "arg0='" NAME "'", on_owner_changed, NULL)) < 0) {
        fprintf(stderr, "%s\n", strerror(-r));
        return EXIT_FAILURE;
    }
    if (list(bus) < 0 || sample(bus) < 0 || start(bus) < 0 || sd_event_loop(event) != 0)
        return EXIT_FAILURE;
    if (session)
        sd_bus_call_method(bus, NAME, PATH, NAME, "Stop", NULL, NULL, "u", session);
    printf("stopped\n");
    return EXIT_SUCCESS;
}
