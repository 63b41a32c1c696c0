//! The properties of the lines `some` and `full`.

use crate::{
    metric::{Kind, unit},
    source::property::Property,
};

/// The number of columns of a line: three averages and the total.
pub(super) const WIDTH: usize = 4;

/// The properties of a line: one for each column, and the share since the last reading.
macro_rules! properties {
    ($line:literal, $ten:literal, $sixty:literal, $five:literal, $total:literal, $tasks:literal, $short:literal, $waited:literal) => {
        [
            Property::new(
                $ten,
                concat!($tasks, " stalled, 10 s"),
                concat!(
                    "Share of the last 10 seconds in which ",
                    $waited,
                    " waited for the resource."
                ),
                concat!(
                    "avg10 of the line ",
                    $line,
                    " in the resource's file in /proc/pressure/"
                ),
                unit::PERCENT,
                Kind::Gauge,
            )
            .short(concat!($short, " 10s")),
            Property::new(
                $sixty,
                concat!($tasks, " stalled, 60 s"),
                concat!(
                    "Share of the last minute in which ",
                    $waited,
                    " waited for the resource."
                ),
                concat!(
                    "avg60 of the line ",
                    $line,
                    " in the resource's file in /proc/pressure/"
                ),
                unit::PERCENT,
                Kind::Gauge,
            )
            .short(concat!($short, " 60s")),
            Property::new(
                $five,
                concat!($tasks, " stalled, 300 s"),
                concat!(
                    "Share of the last 5 minutes in which ",
                    $waited,
                    " waited for the resource."
                ),
                concat!(
                    "avg300 of the line ",
                    $line,
                    " in the resource's file in /proc/pressure/"
                ),
                unit::PERCENT,
                Kind::Gauge,
            )
            .short(concat!($short, " 300s")),
            Property::new(
                $total,
                concat!($tasks, " stalled, total"),
                concat!(
                    "Time since boot in which ",
                    $waited,
                    " waited for the resource."
                ),
                concat!(
                    "total of the line ",
                    $line,
                    " in the resource's file in /proc/pressure/"
                ),
                unit::MICROSECONDS,
                Kind::Total,
            )
            .short(concat!($short, " total")),
            Property::new(
                $line,
                concat!($tasks, " stalled"),
                concat!(
                    "Share of the time since the last reading in which ",
                    $waited,
                    " waited for the resource."
                ),
                concat!(
                    "growth of total / time between two readings, of the line ",
                    $line,
                    " in the resource's file in /proc/pressure/"
                ),
                unit::PERCENT,
                Kind::Rate,
            )
            .short(concat!($short, " stalled")),
        ]
    };
}
pub(super) const SOME: [Property; WIDTH + 1] = properties!(
    "some",
    "some10Sec",
    "some60Sec",
    "some300Sec",
    "someTotal",
    "Some tasks",
    "Some",
    "at least one task"
);
pub(super) const FULL: [Property; WIDTH + 1] = properties!(
    "full",
    "full10Sec",
    "full60Sec",
    "full300Sec",
    "fullTotal",
    "All tasks",
    "All",
    "all tasks at once"
);
