// A client of sampled in C++ with QtDBus, by the proxy that qdbusxml2cpp makes. Debian: qtbase5-dev or qt6-base-dev, make.
//
//     make
//     ./client
//
// QtDBus keeps the signals that arrive during a blocking call until the event loop runs again.

#include <csignal>
#include <sys/signalfd.h>

#include <QtCore/QCoreApplication>
#include <QtCore/QSocketNotifier>
#include <QtCore/QTextStream>
#include <QtDBus/QDBusServiceWatcher>

#include "sampler1.h"

const QString NAME = "io.github.sampled.Sampler1", PATH = "/io/github/sampled/Sampler1";
const QStringList METRICS{"cpu/all/usage", "room/desk/temperature", "memory/physical/used", "os/kernel/name"};
const int FRAMES = 5;

class Client : public QObject
{
    io::github::sampled::Sampler1 sampler{NAME, PATH, QDBusConnection::sessionBus()};
    QDBusServiceWatcher watcher{NAME, sampler.connection(), QDBusServiceWatcher::WatchForOwnerChange};
    sampled::StringMap units, texts, faults; // by id
    QStringList columns;
    uint session = 0;
    int frames = 0;

public:
    /// Prints what there is, and begins. The connections come first.
    void run()
    {
        using Sampler = io::github::sampled::Sampler1;
        connect(&sampler, &Sampler::Changed, this, &Client::changed);
        connect(&sampler, &Sampler::Sampled, this, &Client::sampled);
        connect(&sampler, &Sampler::Ended, this, &Client::ended);
        connect(&watcher, &QDBusServiceWatcher::serviceOwnerChanged, this, &Client::ownerChanged);

        auto metrics = sampler.List({"cpu/all", "memory/physical/used"});
        metrics.waitForFinished();
        if (metrics.isError())
            return fail(metrics.error());
        const sampled::PropertiesByName list = metrics.value();
        for (auto metric = list.begin(); metric != list.end(); ++metric) {
            units[metric.key()] = metric->value("unit").toString();
            print("metric " + metric.key() + ": " + metric->value("name").toString() + " [" + units[metric.key()] +
                  "], " + metric->value("group").toString());
        }
        // A new service needs two reads, 200 ms apart, for a rate: within 100 ms there is the fault `timeout`.
        auto sample = sampler.Sample(METRICS, {{"optional", true}, {"timeout", qulonglong(100000)}});
        sample.waitForFinished();
        if (sample.isError())
            return fail(sample.error());
        const QVariantMap readings = sample.argumentAt<1>();
        for (auto reading = readings.begin(); reading != readings.end(); ++reading)
            print("now: " + (reading->userType() == QMetaType::Double ? show(reading.key(), reading->toDouble())
                                                                      : reading.key() + " = " + reading->toString()));
        faults = sample.argumentAt<2>();
        for (const QString &id : faults.keys())
            print("now: " + show(id, qQNaN()));
        start();
    }

    void stop()
    {
        if (session != 0)
            sampler.Stop(session).waitForFinished();
        print("stopped");
        QCoreApplication::quit();
    }

private:
    void start()
    {
        session = 0;
        auto answer = sampler.Start(METRICS, 1000000, {{"label", "cpp-qt"}, {"optional", true}});
        answer.waitForFinished();
        if (!answer.isError())
            session = answer.argumentAt<0>();
        // A service that ends while it is called loses its name: ownerChanged starts anew.
        else if (answer.error().type() != QDBusError::NoReply &&
                 answer.error().name() != "io.github.sampled.Error.Stopping")
            fail(answer.error());
    }

    void changed(uint number, const QStringList &newColumns, const sampled::StringMap &newTexts,
                 const sampled::StringMap &newFaults)
    {
        if (number != session) // a detached session of another program, which all programs hear
            return;
        if (!newColumns.isEmpty()) {
            columns = newColumns;
            texts.clear();
            faults.clear();
            print("columns: " + columns.join(' '));
        }
        for (auto text = newTexts.begin(); text != newTexts.end(); ++text)
            texts[text.key()] = *text;
        for (auto fault = newFaults.begin(); fault != newFaults.end(); ++fault)
            faults[fault.key()] = *fault;
    }

    void sampled(uint number, qulonglong, const QList<double> &values)
    {
        if (number != session)
            return;
        ++frames;
        for (int i = 0; i < columns.size(); ++i)
            print("frame " + QString::number(frames) + ": " + show(columns[i], values[i]));
        if (frames == FRAMES)
            stop();
    }

    void ended(uint number, const QString &reason)
    {
        if (number == session && reason != "stopping") // otherwise the owner of the name changes next
            fail(QDBusError(QDBusError::Failed, "the session has ended: " + reason));
    }

    void ownerChanged(const QString &, const QString &old)
    {
        if (old.isEmpty())
            return;
        print("the service has gone: starting again"); // and its sessions with it
        start();
    }

    QString show(const QString &id, double value) const
    {
        if (!qIsNaN(value))
            return id + " = " + QString::number(value, 'f', 1) + ' ' + units.value(id);
        const QString fault = faults.value(id);
        return id + " = " + (fault.isEmpty() ? texts.value(id, "(stale)") : '(' + fault + ')');
    }

    static void print(const QString &line) { QTextStream(stdout) << line << '\n'; }

    void fail(const QDBusError &error)
    {
        const bool missing = error.type() == QDBusError::ServiceUnknown;
        QTextStream(stderr) << (missing ? "There is no " + NAME + " on this bus. Please install sampled."
                                        : error.message()) << '\n';
        QCoreApplication::exit(EXIT_FAILURE);
    }
};

int main(int count, char **arguments)
{
    // Blocked before Qt has threads, so that they are only read here.
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &set, nullptr);

    QCoreApplication application(count, arguments);
    sampled::registerTypes();
    Client client;
    QSocketNotifier interrupt(signalfd(-1, &set, SFD_CLOEXEC), QSocketNotifier::Read);
    QObject::connect(&interrupt, &QSocketNotifier::activated, &client, &Client::stop);
    // In the event loop, which `exit` ends.
    QMetaObject::invokeMethod(&client, &Client::run, Qt::QueuedConnection);
    // QtDBus goes on without a bus.
    QDBusConnection bus = QDBusConnection::sessionBus();
    bus.connect(QString(), "/org/freedesktop/DBus/Local", "org.freedesktop.DBus.Local", "Disconnected", &application,
                SLOT(quit()));
    const int status = application.exec();
    return bus.isConnected() ? status : EXIT_FAILURE;
}
