//! The option `optional`: selectors that match nothing are left out, and a session has their metrics once they appear.

use std::{collections::HashMap, fs};

use futures_util::StreamExt;
use sampled::{
    client::{Error, SampleOptions, Start},
    reading::{Fault, Value},
};
use tokio::time::timeout;

use crate::{
    custom::fixture::{define, sources_d},
    sessions::{Options, frame, start},
    support::{bus::Bus, process::DEADLINE},
};

/// The list of a widget: an id and a pattern that no machine has, and one that each has.
const LIST: [&str; 3] = ["desk/lamp/level", "desk/*/power", "os/kernel/name"];

const OPTIONAL: SampleOptions = SampleOptions {
    window: None,
    max_age: None,
    timeout: None,
    optional: true,
};

fn optional_session() -> Start {
    Start {
        optional: true,
        ..Start::every_millis(60)
    }
}

/// Defines `desk/lamp/level` and `desk/lamp/power`.
fn define_lamp(bus: &Bus) {
    let file = bus.dir().join("lamp");
    fs::write(&file, "7").unwrap();
    let metric = |name| format!("[metrics.\"desk/lamp/{name}\"]\nunit = \"1\"\nfile = {file:?}\n");
    define(
        &sources_d(bus),
        "desk.toml",
        &(metric("level") + &metric("power")),
    );
}

#[test]
fn a_sample_leaves_out_what_is_not_there() {
    let bus = Bus::activating("");
    bus.block_on(async {
        let client = bus.client().await;
        let error = client
            .sample(&LIST, SampleOptions::default())
            .await
            .unwrap_err();
        assert!(
            matches!(&error, Error::UnknownMetric(text) if text.contains("desk/lamp/level")),
            "{error:?}"
        );
        let sample = client.sample(&LIST, OPTIONAL).await.unwrap();
        assert_eq!(
            sample.readings.keys().collect::<Vec<_>>(),
            ["os/kernel/name"]
        );
        assert!(sample.faults.is_empty());
        let nothing = client.sample(&LIST[..2], OPTIONAL).await.unwrap();
        assert!(nothing.readings.is_empty() && nothing.faults.is_empty());
        assert!(nothing.timestamp > 0);
        // A selector that is not well formed is still an error.
        let error = client.sample(&["os//name"], OPTIONAL).await.unwrap_err();
        assert!(matches!(error, Error::InvalidSelector(_)), "{error:?}");
        define_lamp(&bus);
        let appeared =
            async { while client.sample(&LIST, OPTIONAL).await.unwrap().readings.len() < 3 {} };
        timeout(DEADLINE, appeared).await.expect("the new metrics");
    });
}

#[test]
fn a_session_has_the_metrics_once_they_appear() {
    let bus = Bus::activating("");
    bus.block_on(async {
        let client = bus.client().await;
        let refused = client.start(&LIST, Start::every_millis(60)).await;
        assert!(matches!(refused, Err(Error::UnknownMetric(_))));
        let mut session = client.start(&LIST, optional_session()).await.unwrap();
        assert_eq!(session.columns(), ["os/kernel/name"]);
        let mut empty = client.start(&LIST[..2], optional_session()).await.unwrap();
        assert!(empty.columns().is_empty());
        assert_eq!(frame(&mut empty).await.readings().count(), 0);
        define_lamp(&bus);
        let read = |id| (id, Some(Ok(Value::Number(7.0))));
        for (session, count) in [(&mut session, 3), (&mut empty, 2)] {
            let appeared = async {
                loop {
                    let frame = frame(session).await;
                    let lamp = [read("desk/lamp/level"), read("desk/lamp/power")];
                    if lamp
                        .iter()
                        .all(|(id, reading)| frame.reading(id) == *reading)
                    {
                        return frame;
                    }
                }
            };
            let frame = timeout(DEADLINE, appeared).await.expect("the new metrics");
            assert_eq!(frame.readings().count(), count);
        }
        // They are in the order of the selectors.
        assert_eq!(
            session.columns(),
            ["desk/lamp/level", "desk/lamp/power", "os/kernel/name"]
        );
        // A metric that goes again keeps its column.
        fs::remove_file(sources_d(&bus).join("desk.toml")).unwrap();
        let gone = async {
            while frame(&mut session).await.reading("desk/lamp/level") != Some(Err(Fault::Gone)) {}
        };
        timeout(DEADLINE, gone).await.expect("the fault");
    });
}

#[test]
fn changed_precedes_the_first_frame_without_columns() {
    let bus = Bus::activating("");
    bus.block_on(async {
        let client = bus.client().await;
        let mut changed = client.proxy().receive_changed().await.unwrap();
        let options = Options::from([("optional", true.into())]);
        let (session, columns) = client
            .proxy()
            .start(&LIST[..1], 60_000, &options)
            .await
            .unwrap();
        assert!(columns.is_empty());
        let first = timeout(DEADLINE, changed.next()).await.unwrap().unwrap();
        let args = first.args().unwrap();
        assert_eq!((*args.session(), args.columns().len()), (session, 0));
        assert_eq!(
            (args.texts(), args.faults()),
            (&HashMap::new(), &HashMap::new())
        );
    });
}

#[test]
fn the_command_line_has_the_option() {
    let bus = Bus::activating("");
    for command in [["sample", "--json"], ["watch", "--count=1"]] {
        let arguments = |more: &[&'static str]| [&command[..], more, &LIST].concat();
        let refused = bus.run(&arguments(&[]));
        assert_eq!(refused.code, Some(1), "{refused:?}");
        let run = bus.run(&arguments(&["--optional"])).ok();
        assert!(
            run.contains("os/kernel/name") && !run.contains("desk"),
            "{run}"
        );
    }
}

#[test]
fn sessions_of_other_lists_are_not_affected() {
    let bus = Bus::activating("");
    bus.block_on(async {
        let client = bus.client().await;
        let mut optional = client.start(&LIST, optional_session()).await.unwrap();
        let mut other = start(&client, &LIST[2..], 60).await;
        frame(&mut optional).await;
        frame(&mut other).await;
        // The same list without the option is still refused: the resolved lists are kept apart.
        let refused = client.start(&LIST, Start::every_millis(60)).await;
        assert!(matches!(refused, Err(Error::UnknownMetric(_))));
    });
}
