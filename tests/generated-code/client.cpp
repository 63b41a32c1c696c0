// Calls the service through the proxies that qdbusxml2cpp has made: replies and signals have to arrive as values of the
// types that the annotations name.

#include <utility>
#include <cstdio>

#include <QtCore/QCoreApplication>
#include <QtCore/QTimer>

#include "processes1.h"
#include "sampler1.h"

namespace {

int failures = 0;

void check(bool holds, const char *what)
{
    if (!holds) {
        std::fprintf(stderr, "%s\n", what);
        ++failures;
    }
}

/// Waits for a reply. An error, or a reply of another signature, is a failure.
template<typename Reply>
Reply answered(Reply reply, const char *what)
{
    reply.waitForFinished();
    if (reply.isError()) {
        std::fprintf(stderr, "%s: %s\n", what, qPrintable(reply.error().message()));
        ++failures;
    }
    return reply;
}

} // namespace

int main(int argc, char **argv)
{
    QCoreApplication application(argc, argv);
    sampled::registerTypes();
    const QString name = "io.github.sampled.Sampler1";
    const QString path = "/io/github/sampled/Sampler1";
    io::github::sampled::Sampler1 sampler(name, path, QDBusConnection::sessionBus());
    io::github::sampled::Processes1 processes(name, path, QDBusConnection::sessionBus());

    check(!sampler.version().isEmpty(), "Version");
    check(sampler.idleTimeout() > 0, "IdleTimeout");
    const auto metrics = answered(sampler.List({"memory/physical"}), "List").value();
    check(metrics.value("memory/physical/used").value("unit") == "By", "List: the unit");
    const auto sample = answered(sampler.Sample({"memory/physical/used", "os"}, {}), "Sample");
    check(sample.argumentAt<1>().value("memory/physical/used").toDouble() > 0, "Sample: the value");
    const auto fields = answered(processes.Fields(), "Fields").value();
    check(fields.value("pid").value("kind") == "number", "Fields: the kind");
    const auto snapshot = answered(processes.Snapshot({"pid", "read"}, {{"limit", 5u}}), "Snapshot");
    check(qdbus_cast<QList<double>>(snapshot.argumentAt<2>().value(0)).size() > 0, "Snapshot: the pids");
    check(snapshot.argumentAt<4>().value("total").toUInt() > 0, "Snapshot: the total");
    answered(processes.Sums("user", {}, {}), "Sums");

    uint session = 0;
    uint table = 0;
    int signalsLeft = 4;
    const auto arrived = [&](bool holds, const char *what) {
        check(holds, what);
        if (--signalsLeft == 0)
            application.quit();
    };
    using Sampler1 = io::github::sampled::Sampler1;
    using Processes1 = io::github::sampled::Processes1;
    bool hasChanged = false, hasFrame = false, hasTable = false, hasEnded = false;
    QObject::connect(&sampler, &Sampler1::Changed, [&](uint, const QStringList &columns, const auto &texts,
                                                          const auto &faults) {
        const bool hasText = !texts.value("os/kernel/version").isEmpty();
        if (!std::exchange(hasChanged, true))
            arrived(columns.size() == 2 && hasText && faults.size() < 2, "Changed");
    });
    QObject::connect(&sampler, &Sampler1::Sampled, [&](uint, qulonglong, const QList<double> &values) {
        if (!std::exchange(hasFrame, true))
            arrived(values.size() == 2, "Sampled");
    });
    QObject::connect(&processes, &Processes1::Changed, [&](uint, qulonglong, const QList<uint> &came, const auto &,
                                                                const auto &, const QVariantList &values, const auto &) {
        if (!std::exchange(hasTable, true)) {
            arrived(!came.isEmpty() && values.size() == 1, "Changed of Processes1");
            processes.Stop(table);
        }
    });
    QObject::connect(&processes, &Processes1::Ended, [&](uint, const QString &reason) {
        if (!std::exchange(hasEnded, true))
            arrived(reason == "stopped", "Ended");
    });
    const QStringList ids = {"cpu/all/usage", "os/kernel/version"};
    session = answered(sampler.Start(ids, 100000, {{"label", "Qt"}}), "Start").argumentAt<0>();
    table = answered(processes.Start({"pid"}, 100000, {}), "Start of Processes1").argumentAt<0>();
    const auto sessions = answered(sampler.Sessions(), "Sessions").value();
    check(sessions.value(session).value("label") == "Qt", "Sessions: the label");
    check(!answered(sampler.Sources(), "Sources").value().value("cpu").isEmpty(), "Sources");
    QTimer::singleShot(10000, &application, [&] {
        std::fprintf(stderr, "%d signals have not arrived in time\n", signalsLeft);
        ++failures;
        application.quit();
    });
    application.exec();
    answered(sampler.Stop(session), "Stop");
    answered(sampler.Quit(), "Quit");
    return failures == 0 ? 0 : 1;
}
