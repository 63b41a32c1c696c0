use std::sync::Arc;

use serde::Serialize;
use zbus::{DynamicType, Message, message};

use super::*;
use crate::{
    metric::{Group, Kind, Limits, Metric, Object},
    rate::Formula,
    reading::Fault,
    wire::Catalog,
};

/// Numbers that look random (xorshift), the same in each run.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end as u64) as usize
    }

    fn text(&mut self) -> Arc<str> {
        let characters = ['a', '/', '%', ' ', 'ß', '√', '😀', '\u{7f}'];
        let length = self.below(40);
        let text = (0..length).map(|_| characters[self.below(characters.len())]);
        text.collect::<String>().into()
    }

    fn double(&mut self) -> f64 {
        let odd = [0.0, -0.0, f64::NAN, f64::MIN_POSITIVE, f64::MAX, -1.5];
        match self.below(4) {
            0 => odd[self.below(odd.len())],
            _ => self.below(1 << 40) as f64 / 1024.0,
        }
    }

    fn value(&mut self) -> Value {
        match self.below(3) {
            0 => Value::Text(self.text()),
            _ => Value::Number(self.double()),
        }
    }

    fn maybe(&mut self) -> Option<f64> {
        (self.below(2) > 0).then(|| self.double())
    }

    fn metric(&mut self) -> Arc<Metric> {
        let group = Group::ALL[self.below(Group::ALL.len())];
        let object = Object::new(&self.text(), group);
        let kinds = [Kind::Gauge, Kind::Rate, Kind::Total, Kind::Text];
        let kind = kinds[self.below(kinds.len())];
        let metric = Metric::new(self.text(), object, "By", kind, Formula::Level(0));
        Arc::new(Metric {
            description: self.text().to_string().into(),
            minimum: self.maybe(),
            maximum: self.maybe(),
            limits: Limits {
                warning: self.maybe(),
                critical: self.maybe(),
                are_lower: self.below(2) > 0,
            },
            ..metric
        })
    }

    fn column(&mut self, rows: usize) -> Column {
        match self.below(2) {
            0 => Column::Numbers((0..rows).map(|_| self.double()).collect()),
            _ => Column::Texts((0..rows).map(|_| self.text()).collect()),
        }
    }

    fn unique_name(&mut self) -> String {
        format!(":{}.{}", self.below(3), self.below(1 << 20))
    }
}

const FAULTS: [Fault; 4] = [Fault::First, Fault::Gone, Fault::Malformed, Fault::Timeout];

/// The last message has the bytes that zbus gives to the same one.
fn check<B: Serialize + DynamicType>(direct: &[u8], builder: message::Builder<'_>, body: &B) {
    let serial = u32::from_ne_bytes(*direct[8..].first_chunk().unwrap());
    let built = builder.serial(serial.try_into().unwrap()).build(body);
    assert_eq!(direct, &**built.unwrap().data());
}

#[test]
fn frames_have_the_bytes_that_zbus_makes() {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut messages = Messages::default();
    for _ in 0..2000 {
        let start = messages.bytes().len();
        let destination = (random.below(8) > 0).then(|| random.unique_name());
        let (session, timestamp) = (random.below(1 << 32) as u32, random.below(1 << 60) as u64);
        let length = random.below(60);
        let values: Vec<_> = (0..length).map(|_| random.double()).collect();
        let to = destination.as_deref();
        let added = messages.add_sampled(to, session, timestamp, &values);
        added.unwrap();
        let mut builder = Message::signal(PATH, INTERFACE, "Sampled");
        if let Some(destination) = &destination {
            builder = builder.destination(destination.as_str());
        }
        let direct = &messages.bytes()[start..];
        check(direct, builder, &(session, timestamp, &values));
        // The next message begins at any byte.
        messages.add_encoded(&[0; 8][..random.below(8)]);
    }
}

#[test]
fn samples_have_the_bytes_that_zbus_makes() {
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    for _ in 0..2000 {
        let sender = random.unique_name();
        let call = Message::method_call(PATH, "Sample").sender(sender.as_str());
        let call = call.build(&()).unwrap();
        let timestamp = random.below(1 << 60) as u64;
        let (readings, faults) = (random.below(8), random.below(4));
        let readings = (0..readings).map(|_| (random.text(), random.value()));
        let readings = Readings(readings.collect());
        let faults = (0..faults).map(|_| (random.text(), FAULTS[random.below(FAULTS.len())]));
        let faults = Faults(faults.collect());
        let mut reply = Messages::default();
        let to = call.primary_header().serial_num().get();
        let added = reply.add_sample(&sender, to, timestamp, &readings, &faults);
        added.unwrap();
        let builder = Message::method_return(&call.header());
        check(reply.bytes(), builder, &(timestamp, &readings, &faults));
    }
}

#[test]
fn catalogs_have_the_bytes_that_zbus_makes() {
    let mut random = Random(0x1234_5678_9abc_def1);
    for _ in 0..500 {
        let sender = random.unique_name();
        let call = Message::method_call(PATH, "List").sender(sender.as_str());
        let call = call.build(&()).unwrap();
        let count = random.below(6);
        let metrics = (0..count).map(|_| (random.metric(), random.text()));
        let catalog = Catalog(metrics.collect());
        let to = call.primary_header().serial_num().get();
        let mut reply = CatalogReply::new(&sender, to, count);
        for (metric, source) in &catalog.0 {
            reply.add(metric, source).unwrap();
        }
        check(
            reply.finish().unwrap().bytes(),
            Message::method_return(&call.header()),
            &catalog,
        );
    }
}

#[test]
fn tables_have_the_bytes_that_zbus_makes() {
    const NAMES: [&str; 5] = ["pid", "name", "command_line", "cpu", ""];
    let mut random = Random(0x0fed_cba9_8765_4321);
    for _ in 0..500 {
        let sender = random.unique_name();
        let call = Message::method_call(PATH, "Snapshot").sender(sender.as_str());
        let call = call.build(&()).unwrap();
        let (width, rows) = (random.below(NAMES.len() + 1), random.below(20));
        let columns = (0..width).map(|_| random.column(rows)).collect();
        let faulty = random.below(width + 1);
        let faults = NAMES[..faulty].iter().map(|&name| {
            let faults = FAULTS[..random.below(FAULTS.len() + 1)].iter();
            let rows = |random: &mut Random| (0..random.below(5) as u32).collect();
            let faults = faults.map(|&fault| (fault, rows(&mut random)));
            (name, faults.collect())
        });
        let faults = RowFaults(faults.collect());
        let details = Details {
            total: random.below(1 << 32) as u32,
            matched: random.below(1 << 32) as u32,
            boot_time: random.below(1 << 60) as u64,
        };
        let timestamp = random.below(1 << 60) as u64;
        let table: Table = (
            timestamp,
            NAMES[..width].to_vec(),
            Columns(columns),
            faults,
            details,
        );
        let mut reply = Messages::default();
        let to = call.primary_header().serial_num().get();
        reply.add_table(&sender, to, &table).unwrap();
        check(
            reply.bytes(),
            Message::method_return(&call.header()),
            &table,
        );
    }
}

#[test]
fn serials_are_those_of_no_other_message() {
    let serial = || {
        let mut one = Messages::default();
        one.add_sampled(None, 1, 2, &[]).unwrap();
        u32::from_ne_bytes(*one.bytes()[8..].first_chunk().unwrap())
    };
    let of_zbus = || {
        let message = Message::signal(PATH, INTERFACE, "Ended")
            .build(&())
            .unwrap();
        message.primary_header().serial_num().get()
    };
    let serials = [serial(), of_zbus(), serial(), of_zbus(), serial()];
    assert!(serials.is_sorted_by(|one, next| one < next), "{serials:?}");
}

#[test]
fn a_message_that_is_too_long_is_not_added() {
    let mut messages = Messages::default();
    messages.add_encoded(b"before");
    let text = Value::Text("x".repeat(128 << 20).into());
    let readings = Readings(vec![("a".into(), text)]);
    let added = messages.add_sample(":1.1", 1, 2, &readings, &Faults::default());
    assert!(added.is_err());
    assert_eq!(messages.bytes(), b"before");
}

#[test]
fn a_catalog_that_is_too_long_is_refused() {
    let object = Object::new("x", Group::ALL[0]);
    let metric = Metric::new("a/b/c", object, "By", Kind::Gauge, Formula::Level(0));
    let metric = Metric {
        description: "x".repeat(1 << 20).into(),
        ..metric
    };
    let mut reply = CatalogReply::new(":1.1", 1, 200);
    let added = (0..200).take_while(|_| reply.add(&metric, "source").is_ok());
    assert_eq!(added.count(), 127);
    assert!(reply.finish().is_err());
}
