//! Calls in both byte orders: the reply is in that of the call, and has the same content.

use std::collections::HashMap;

use zbus::{Message, OwnedVariant, Variant, message::Type, wire::Endian};

use crate::support::{
    bus::Bus,
    raw::{Raw, error, finish},
};

const ORDERS: [Endian; 2] = [Endian::Little, Endian::Big];

type Options = HashMap<&'static str, Variant<'static>>;
type Reply = (u64, HashMap<String, OwnedVariant>, HashMap<String, String>);

fn sample(order: Endian, selectors: &[&str], options: &Options) -> Message {
    let call = Message::method_call(sampled::wire::PATH, "Sample").endian(order);
    finish(call, &(selectors, options))
}

#[test]
fn samples_are_the_same_in_both_byte_orders() {
    let bus = Bus::activating("");
    let mut raw = Raw::connect(&bus);
    let selectors = ["os/system/hostname", "memory/physical/total", "os/kernel"];
    let old = Options::from([("max_age", 60_000_000_u64.into()), ("unknown", true.into())]);
    let optional = Options::from([("optional", true.into())]);
    let cases: [(&[&str], &Options); 4] = [
        (&selectors, &Options::new()),
        (&selectors, &old),
        (&["memory/physical/total", "no/such/metric"], &optional),
        (&["no/such/metric"], &optional),
    ];
    for (selectors, options) in cases {
        let replies = ORDERS.map(|order| {
            let reply = raw.call(&sample(order, selectors, options));
            assert_eq!(
                reply.message_type(),
                Type::MethodReturn,
                "{:?}",
                error(&reply)
            );
            assert_eq!(Endian::from(reply.primary_header().endian_sig()), order);
            assert!(reply.header().sender().is_some());
            let (timestamp, readings, faults): Reply = reply.body().deserialize().unwrap();
            assert!(timestamp > 0);
            (readings, faults)
        });
        assert_eq!(replies[0], replies[1]);
    }
}

#[test]
fn errors_are_the_same_in_both_byte_orders() {
    let bus = Bus::activating("");
    let mut raw = Raw::connect(&bus);
    let wrong = Options::from([("window", "long".into())]);
    let cases: [(&[&str], &Options, &str); 3] = [
        (&["no/such/metric"], &Options::new(), "UnknownMetric"),
        (&["a//b"], &Options::new(), "InvalidSelector"),
        (&["memory"], &wrong, "InvalidArgs"),
    ];
    for (selectors, options, name) in cases {
        let errors = ORDERS.map(|order| error(&raw.call(&sample(order, selectors, options))));
        assert!(errors[0].0.ends_with(name), "{errors:?}");
        assert_eq!(errors[0], errors[1]);
    }
}

#[test]
fn other_arguments_are_invalid_in_both_byte_orders() {
    let bus = Bus::activating("");
    let mut raw = Raw::connect(&bus);
    for order in ORDERS {
        let call = || Message::method_call(sampled::wire::PATH, "Sample").endian(order);
        let bodies = [
            finish(call(), &()),
            finish(call(), &"memory"),
            finish(call(), &vec!["memory"]),
            finish(call(), &(vec!["memory"], 1_u32)),
            finish(call(), &(Options::new(), vec!["memory"])),
        ];
        for body in bodies {
            let (name, _) = error(&raw.call(&body));
            assert!(name.ends_with(".InvalidArgs"), "{name}");
        }
    }
}
