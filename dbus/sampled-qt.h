// The types of the interfaces of sampled, for QtDBus. Qt 5 and Qt 6.
//
// The XML files name the type of each argument by the annotation org.qtproject.QtDBus.QtTypeName, so
// qdbusxml2cpp makes a proxy of each interface:
//
//     qdbusxml2cpp -p sampler1 -i sampled-qt.h io.github.sampled.Sampler1.xml
//     qdbusxml2cpp -p processes1 -i sampled-qt.h io.github.sampled.Processes1.xml
//
// Call sampled::registerTypes() once, before the first proxy: QtDBus drops a signal with a type that it does
// not know. What the keys of the maps mean is said in the XML files.

#ifndef SAMPLED_QT_H
#define SAMPLED_QT_H

#include <QtCore/QList>
#include <QtCore/QMap>
#include <QtCore/QMetaType>
#include <QtCore/QString>
#include <QtCore/QVariant>
#include <QtDBus/QDBusArgument>
#include <QtDBus/QDBusMetaType>

namespace sampled {

/// Texts or faults by id, `a{ss}`.
using StringMap = QMap<QString, QString>;
/// The properties of metrics, sources or fields, by name, `a{sa{sv}}`.
using PropertiesByName = QMap<QString, QVariantMap>;
/// The properties of sessions, by number, `a{ua{sv}}`.
using PropertiesByNumber = QMap<uint, QVariantMap>;
/// The rows that have a fault, by column and fault, `a{sa{sau}}`.
using RowFaults = QMap<QString, QMap<QString, QList<uint>>>;

/// A frame of the past, `(tad)`.
struct Frame
{
    /// The time of the reads, in microseconds since the Unix epoch.
    qulonglong timestamp = 0;
    /// The values in the order of the columns; NaN stands for a fault or a text.
    QList<double> values;
};

/// Frames of the past, the oldest first, `a(tad)`.
using Frames = QList<Frame>;

inline QDBusArgument &operator<<(QDBusArgument &argument, const Frame &frame)
{
    argument.beginStructure();
    argument << frame.timestamp << frame.values;
    argument.endStructure();
    return argument;
}

inline const QDBusArgument &operator>>(const QDBusArgument &argument, Frame &frame)
{
    argument.beginStructure();
    argument >> frame.timestamp >> frame.values;
    argument.endStructure();
    return argument;
}

} // namespace sampled

Q_DECLARE_METATYPE(sampled::Frame)

namespace sampled {

/// Registers a type under the name that the annotations have: Qt 5 finds the types of signals by their names.
///
/// The maps have no Q_DECLARE_METATYPE: Qt knows its containers, and a second one for the same container, in
/// another header of the program, would be an error.
template<typename T>
void registerType(const char *name)
{
    qRegisterMetaType<T>(name);
    qDBusRegisterMetaType<T>();
}

/// Registers all types of the interfaces.
inline void registerTypes()
{
    registerType<QList<double>>("QList<double>");
    registerType<QList<uint>>("QList<uint>");
    registerType<StringMap>("sampled::StringMap");
    registerType<PropertiesByName>("sampled::PropertiesByName");
    registerType<PropertiesByNumber>("sampled::PropertiesByNumber");
    registerType<QMap<QString, QList<uint>>>("QMap<QString,QList<uint>>");
    registerType<RowFaults>("sampled::RowFaults");
    registerType<Frame>("sampled::Frame");
    registerType<Frames>("sampled::Frames");
}

} // namespace sampled

#endif
