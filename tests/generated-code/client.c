/* Calls the service through the proxies that gdbus-codegen has made. GDBusProxy drops a reply or a signal whose
 * signature is another than that of the XML. */

#include <stdio.h>

#include "processes1.h"
#include "sampler1.h"

#define NAME "io.github.sampled.Sampler1"
#define PATH "/io/github/sampled/Sampler1"

static GMainLoop *loop;
static int failures = 0;

static void check(gboolean holds, const char *what, GError **error)
{
    if (!holds) {
        fprintf(stderr, "%s: %s\n", what, *error ? (*error)->message : "unexpected");
        failures++;
    }
    g_clear_error(error);
}

static void on_sampled(SampledSampler1 *proxy, guint session, guint64 timestamp, GVariant *values, gpointer context)
{
    GError *error = NULL;
    check(timestamp > 0 && g_variant_n_children(values) == 1, "Sampled", &error);
    g_main_loop_quit(loop);
}

static gboolean on_timeout(gpointer context)
{
    GError *error = NULL;
    check(FALSE, "Sampled has not arrived in time", &error);
    g_main_loop_quit(loop);
    return G_SOURCE_REMOVE;
}

int main(void)
{
    GError *error = NULL;
    SampledSampler1 *sampler = sampled_sampler1_proxy_new_for_bus_sync(
        G_BUS_TYPE_SESSION, G_DBUS_PROXY_FLAGS_NONE, NAME, PATH, NULL, &error);
    check(sampler != NULL, "the proxy", &error);
    SampledProcesses1 *processes = sampled_processes1_proxy_new_for_bus_sync(
        G_BUS_TYPE_SESSION, G_DBUS_PROXY_FLAGS_NONE, NAME, PATH, NULL, &error);
    check(processes != NULL, "the proxy of Processes1", &error);
    if (failures)
        return 1;

    const gchar *const selectors[] = { "memory/physical/used", NULL };
    const gchar *const fields[] = { "pid", NULL };
    GVariant *none = g_variant_ref_sink(g_variant_new("a{sv}", NULL));
    GVariant *metrics = NULL, *readings = NULL, *rows = NULL;
    guint session = 0;
    guint64 timestamp = 0;
    check(sampled_sampler1_call_list_sync(sampler, selectors, &metrics, NULL, &error), "List", &error);
    check(sampled_sampler1_call_sample_sync(
              sampler, selectors, none, &timestamp, &readings, NULL, NULL, &error), "Sample", &error);
    check(timestamp > 0 && g_variant_n_children(readings) == 1, "the readings", &error);
    check(sampled_processes1_call_snapshot_sync(
              processes, fields, none, &timestamp, NULL, &rows, NULL, NULL, NULL, &error), "Snapshot", &error);
    check(sampled_sampler1_get_version(sampler) != NULL, "Version", &error);

    loop = g_main_loop_new(NULL, FALSE);
    g_signal_connect(sampler, "sampled", G_CALLBACK(on_sampled), NULL);
    check(sampled_sampler1_call_start_sync(
              sampler, selectors, 100000, none, &session, NULL, NULL, &error), "Start", &error);
    g_timeout_add_seconds(10, on_timeout, NULL);
    g_main_loop_run(loop);
    check(sampled_sampler1_call_stop_sync(sampler, session, NULL, &error), "Stop", &error);
    check(sampled_sampler1_call_quit_sync(sampler, NULL, &error), "Quit", &error);
    return failures == 0 ? 0 : 1;
}
