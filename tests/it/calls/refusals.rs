//! Calls that are refused, with errors that name the cause.

use std::collections::HashMap;

use sampled::{
    client::{Client, Error},
    wire::{INTERFACE, NAME, PATH},
};
use zbus::Variant;

use crate::support::bus::Bus;

#[test]
fn unknown_metrics_and_invalid_selectors_are_named() {
    let bus = Bus::activating("");
    bus.block_on(async {
        let client = bus.client().await;
        let error = async |selectors: &[&str]| client.list(selectors).await.unwrap_err();
        let unknown = error(&["memory", "cpu/all/usgae"]).await;
        assert!(matches!(unknown, Error::UnknownMetric(_)), "{unknown:?}");
        let text = unknown.to_string();
        assert!(
            text.contains("cpu/all/usgae") && text.contains("cpu/all/usage"),
            "{text}"
        );
        let unknown = error(&["weather"]).await.to_string();
        assert!(
            unknown.contains("weather") && !unknown.contains("nearest"),
            "{unknown}"
        );
        for selector in [
            "",
            "/",
            "/cpu",
            "cpu/",
            "cpu//usage",
            "disk/%2",
            "disk/%zz",
            "a b",
        ] {
            let invalid = error(&[selector]).await;
            assert!(
                matches!(invalid, Error::InvalidSelector(_)),
                "{selector}: {invalid:?}"
            );
            assert!(invalid.to_string().contains(selector), "{invalid}");
        }
        let long = "x".repeat(257);
        assert!(matches!(error(&[&long]).await, Error::InvalidSelector(_)));
    });
}

/// Calls a method with a body of any type. Returns the name and the text of the error.
async fn refused<B: serde::Serialize + zbus::DynamicType>(
    client: &Client,
    method: &str,
    body: &B,
) -> (String, String) {
    let bus = client.proxy().inner().connection();
    let call = bus
        .call_method(Some(NAME), PATH, Some(INTERFACE), method, body)
        .await;
    match call.expect_err("this is refused") {
        zbus::Error::MethodError(name, text, _) => (name.to_string(), text.unwrap_or_default()),
        zbus::Error::FDO(error) => {
            use zbus::DBusError;
            let text = error.description().unwrap_or_default().to_owned();
            (error.name().to_string(), text)
        }
        other => panic!("{other}"),
    }
}

#[test]
fn options_and_arguments_of_the_wrong_type_are_refused() {
    let bus = Bus::activating("");
    bus.block_on(async {
        let client = bus.client().await;
        let invalid = "org.freedesktop.DBus.Error.InvalidArgs";
        for key in ["window", "max_age", "timeout"] {
            let options = HashMap::from([(key, Variant::from("soon"))]);
            let (name, text) = refused(&client, "Sample", &(["cpu"].as_slice(), options)).await;
            assert_eq!(name, invalid);
            assert!(text.contains(key), "{text}");
        }
        assert_eq!(refused(&client, "Sample", &"cpu").await.0, invalid);
        assert_eq!(refused(&client, "List", &1u32).await.0, invalid);
        let (name, _) = refused(&client, "Smaple", &()).await;
        assert_eq!(name, "org.freedesktop.DBus.Error.UnknownMethod");
        // Unknown keys, perhaps of a later version, are ignored.
        let options = HashMap::from([("colour", Variant::from("red"))]);
        let proxy = client.proxy();
        assert!(proxy.sample(&["cpu/all/coreCount"], &options).await.is_ok());
    });
}

#[test]
fn intervals_and_windows_out_of_bounds_are_refused() {
    let bus = Bus::activating("");
    bus.block_on(async {
        let client = bus.client().await;
        let day = 24 * 60 * 60 * 1_000_000u64;
        let none = HashMap::<&str, Variant<'_>>::new();
        for interval in [0, 49_999, day + 1, u64::MAX] {
            let body = (["cpu"].as_slice(), interval, &none);
            let (name, text) = refused(&client, "Start", &body).await;
            assert_eq!(name, "io.github.sampled.Error.InvalidInterval");
            assert!(text.contains(&interval.to_string()), "{text}");
        }
        for window in [0, 9_999, 10_000_001] {
            let options = HashMap::from([("window", Variant::from(window as u64))]);
            let (name, text) = refused(&client, "Sample", &(["cpu"].as_slice(), options)).await;
            assert_eq!(name, "io.github.sampled.Error.InvalidInterval");
            assert!(text.contains(&window.to_string()), "{text}");
        }
    });
}
