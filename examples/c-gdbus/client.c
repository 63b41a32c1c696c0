/* A client of sampled in C with GDBus, by the proxy that gdbus-codegen makes. Debian: libglib2.0-dev, make.
 *
 *     make
 *     ./client
 *
 * Its calls block, as a program of the command line may; a program with windows calls the functions without `_sync`.
 * GDBus keeps the signals that arrive meanwhile until the main loop runs again.
 */
#include "sampler1.h"
#include <glib-unix.h>
#include <math.h>
#include <stdlib.h>

#define NAME "io.github.sampled.Sampler1"
#define FRAMES 5

static const char *const METRICS[] = {
    "cpu/all/usage", "room/desk/temperature", "memory/physical/used", "os/kernel/name", NULL};

typedef struct {
    GMainLoop *loop;
    SampledSampler1 *sampler;
    guint session, frames;
    GStrv columns;
    GHashTable *units, *texts, *faults; /* by id */
    gboolean failed;
} Client;

static void fail(Client *client, const char *message)
{
    g_printerr("%s\n", message);
    client->failed = TRUE;
    g_main_loop_quit(client->loop);
}

static gboolean stop(gpointer data)
{
    Client *client = data;
    g_autoptr(GError) error = NULL;
    /* It fails when the bus has gone, for which GDBus sends SIGTERM. */
    if (client->session != 0 &&
        !sampled_sampler1_call_stop_sync(client->sampler, client->session, NULL, &error)) {
        fail(client, error->message);
        return G_SOURCE_CONTINUE;
    }
    g_print("stopped\n");
    g_main_loop_quit(client->loop);
    return G_SOURCE_CONTINUE;
}

static void show(Client *client, const char *label, const char *id, double value, const char *fault)
{
    const char *unit = g_hash_table_lookup(client->units, id);
    const char *text = g_hash_table_lookup(client->texts, id);
    if (!isnan(value))
        g_print("%s: %s = %.1f %s\n", label, id, value, unit ? unit : "");
    else if (text != NULL && (fault == NULL || *fault == '\0'))
        g_print("%s: %s = %s\n", label, id, text);
    else
        g_print("%s: %s = (%s)\n", label, id, fault != NULL && *fault != '\0' ? fault : "stale");
}

static gboolean list(Client *client, GError **error)
{
    const char *const selectors[] = {"cpu/all", "memory/physical/used", NULL};
    g_autoptr(GVariant) metrics = NULL, metric = NULL;
    if (!sampled_sampler1_call_list_sync(client->sampler, selectors, &metrics, NULL, error))
        return FALSE;
    GVariantIter iter;
    const char *id, *name, *unit, *group;
    g_variant_iter_init(&iter, metrics);
    while (g_variant_iter_loop(&iter, "{&s@a{sv}}", &id, &metric)) {
        if (!g_variant_lookup(metric, "name", "&s", &name) || !g_variant_lookup(metric, "unit", "&s", &unit) ||
            !g_variant_lookup(metric, "group", "&s", &group))
            continue;
        g_print("metric %s: %s [%s], %s\n", id, name, unit, group);
        g_hash_table_insert(client->units, g_strdup(id), g_strdup(unit));
    }
    return TRUE;
}

static gboolean sample(Client *client, GError **error)
{
    g_auto(GVariantDict) options = G_VARIANT_DICT_INIT(NULL);
    g_autoptr(GVariant) readings = NULL, faults = NULL, reading = NULL;
    g_variant_dict_insert(&options, "optional", "b", TRUE);
    /* A new service needs two reads, 200 ms apart, for a rate: within 100 ms there is the fault `timeout`. */
    g_variant_dict_insert(&options, "timeout", "t", G_GUINT64_CONSTANT(100000));
    if (!sampled_sampler1_call_sample_sync(client->sampler, METRICS, g_variant_dict_end(&options), NULL, &readings,
                                           &faults, NULL, error))
        return FALSE;
    GVariantIter iter;
    const char *id, *fault;
    g_variant_iter_init(&iter, readings);
    while (g_variant_iter_loop(&iter, "{&sv}", &id, &reading))
        if (g_variant_is_of_type(reading, G_VARIANT_TYPE_DOUBLE))
            show(client, "now", id, g_variant_get_double(reading), NULL);
        else
            g_print("now: %s = %s\n", id, g_variant_get_string(reading, NULL));
    g_variant_iter_init(&iter, faults);
    while (g_variant_iter_loop(&iter, "{&s&s}", &id, &fault))
        show(client, "now", id, NAN, fault);
    return TRUE;
}

static void start(Client *client)
{
    g_auto(GVariantDict) options = G_VARIANT_DICT_INIT(NULL);
    g_autoptr(GError) error = NULL;
    g_variant_dict_insert(&options, "label", "s", "c-gdbus");
    g_variant_dict_insert(&options, "optional", "b", TRUE);
    client->session = 0;
    if (sampled_sampler1_call_start_sync(client->sampler, METRICS, 1000000, g_variant_dict_end(&options),
                                         &client->session, NULL, NULL, &error))
        return;
    g_autofree char *name = g_dbus_error_get_remote_error(error);
    /* A service that ends while it is called loses its name: on_owner_changed starts anew. */
    if (g_strcmp0(name, "org.freedesktop.DBus.Error.NoReply") != 0 &&
        g_strcmp0(name, "io.github.sampled.Error.Stopping") != 0)
        fail(client, error->message);
}

static void update(GHashTable *words, GVariant *changes)
{
    GVariantIter iter;
    char *id, *word;
    g_variant_iter_init(&iter, changes);
    while (g_variant_iter_next(&iter, "{ss}", &id, &word))
        g_hash_table_replace(words, id, word);
}

static void on_changed(SampledSampler1 *sampler, guint session, const char *const *columns, GVariant *texts,
                       GVariant *faults, Client *client)
{
    if (session != client->session) /* a detached session of another program, which all programs hear */
        return;
    if (columns[0] != NULL) {
        g_autofree char *line = g_strjoinv(" ", (GStrv)columns);
        g_print("columns: %s\n", line);
        g_strfreev(client->columns);
        client->columns = g_strdupv((GStrv)columns);
        g_hash_table_remove_all(client->texts);
        g_hash_table_remove_all(client->faults);
    }
    update(client->texts, texts);
    update(client->faults, faults);
}

static void on_sampled(SampledSampler1 *sampler, guint session, guint64 timestamp, GVariant *values, Client *client)
{
    if (session != client->session)
        return;
    g_autofree char *label = g_strdup_printf("frame %u", ++client->frames);
    gsize count;
    const double *numbers = g_variant_get_fixed_array(values, &count, sizeof *numbers);
    for (gsize i = 0; i < count; i++) {
        const char *id = client->columns[i];
        show(client, label, id, numbers[i], g_hash_table_lookup(client->faults, id));
    }
    if (client->frames == FRAMES)
        stop(client);
}

static void on_ended(SampledSampler1 *sampler, guint session, const char *reason, Client *client)
{
    if (session != client->session || g_str_equal(reason, "stopping")) /* then the owner of the name changes next */
        return;
    g_autofree char *message = g_strconcat("the session has ended: ", reason, NULL);
    fail(client, message);
}

static void on_owner_changed(GDBusConnection *bus, const char *sender, const char *path, const char *interface,
                             const char *signal, GVariant *arguments, gpointer data)
{
    const char *old;
    g_variant_get(arguments, "(&s&s&s)", NULL, &old, NULL);
    if (*old != '\0') { /* the service has gone, and its sessions with it */
        g_print("the service has gone: starting again\n");
        start(data);
    }
}

int main(void)
{
    g_autoptr(GError) error = NULL;
    Client client = {
        .loop = g_main_loop_new(NULL, FALSE),
        .units = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free),
        .texts = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free),
        .faults = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free),
        /* With these flags the proxy makes no call of its own, neither for properties nor to start the service. */
        .sampler = sampled_sampler1_proxy_new_for_bus_sync(
            G_BUS_TYPE_SESSION,
            G_DBUS_PROXY_FLAGS_DO_NOT_LOAD_PROPERTIES | G_DBUS_PROXY_FLAGS_DO_NOT_AUTO_START_AT_CONSTRUCTION, NAME,
            "/io/github/sampled/Sampler1", NULL, &error),
    };
    if (client.sampler != NULL) {
        g_signal_connect(client.sampler, "changed", G_CALLBACK(on_changed), &client);
        g_signal_connect(client.sampler, "sampled", G_CALLBACK(on_sampled), &client);
        g_signal_connect(client.sampler, "ended", G_CALLBACK(on_ended), &client);
        g_dbus_connection_signal_subscribe(g_dbus_proxy_get_connection(G_DBUS_PROXY(client.sampler)),
                                           "org.freedesktop.DBus", "org.freedesktop.DBus", "NameOwnerChanged",
                                           "/org/freedesktop/DBus", NAME, 0, on_owner_changed, &client, NULL);
        g_unix_signal_add(SIGINT, stop, &client);
        g_unix_signal_add(SIGTERM, stop, &client);
    }
    if (client.sampler == NULL || !list(&client, &error) || !sample(&client, &error)) {
        if (g_error_matches(error, G_DBUS_ERROR, G_DBUS_ERROR_SERVICE_UNKNOWN))
            g_printerr("There is no " NAME " on this bus. Please install sampled.\n");
        else
            g_printerr("%s\n", error->message);
        return EXIT_FAILURE;
    }
    start(&client);
    if (!client.failed)
        g_main_loop_run(client.loop);
    return client.failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
