//! Selectors without a match: the error suggests a similar id, lists the names that exist, or says why there is none.

use std::fs;

use sampled::client::Error;

use crate::{
    calls::fixture,
    custom::fixture::{define, sources_d},
    support::{bus::Bus, home::Home},
};

/// The error of `sample` for these selectors on the machine of a fixture.
fn error_for(home: &Home, [proc, sys]: [&str; 2], selectors: &[&str]) -> String {
    let [proc, sys] = [proc, sys].map(fixture);
    let roots = [
        "sample",
        "--procfs",
        &proc,
        "--sysfs",
        &sys,
        "--rootfs",
        "/nonexistent",
    ];
    let run = home.run(&[&roots[..], selectors].concat());
    assert_eq!((run.code, &*run.stdout), (Some(1), ""), "{run:?}");
    let last = run.stderr.lines().last().unwrap_or_default();
    last.strip_prefix("sampled: ")
        .expect("a message")
        .to_owned()
}

const LAPTOP: [&str; 2] = ["laptop/proc", "laptop/sys"];

#[test]
fn the_error_names_the_nearest_selector() {
    let home = Home::new();
    let check = |selector: &str, nearest: &str| {
        let expected = format!("{selector}: no such metric (nearest: {nearest})");
        assert_eq!(error_for(&home, LAPTOP, &[selector]), expected);
    };
    check("cpuu", "cpu");
    check("memry", "memory");
    check("CPU/ALL/USAGE", "cpu/all/usage");
    check("cpu/all/usag", "cpu/all/usage");
    check("cpu/*/usgae", "cpu/*/usage");
    check("netwrok/lo/state", "network/lo/state");
    check("lmsensor", "lmsensors");
    check("memory/phisical/used", "memory/physical/used");
    check("cpu/all/usage/now", "cpu/all/usage");
}

#[test]
fn without_a_similar_selector_the_error_lists_the_names_that_exist() {
    let home = Home::new();
    let error = |selector| error_for(&home, LAPTOP, &[selector]);
    let interfaces = "(network has all, enp0s31f6, lo, wlp2s0)";
    for selector in ["network/wlan0", "network/wlan0/state", "network/wlp3s0"] {
        assert_eq!(
            error(selector),
            format!("{selector}: no such metric {interfaces}")
        );
    }
    let of_lo = error("network/lo/colour");
    assert!(
        of_lo.starts_with("network/lo/colour: no such metric (network/lo has download"),
        "{of_lo}"
    );
    assert!(of_lo.ends_with(" more)"), "{of_lo}");
    let weather = error("weather");
    let source = error("cpuinfo");
    assert_eq!(
        source,
        "cpuinfo: no such metric (the source cpuinfo has cpu/*/name, cpu/all/coreCount, cpu/all/cpuCount)"
    );
    assert!(
        weather.starts_with("weather: no such metric (sources: cpu, disk, "),
        "{weather}"
    );
}

#[test]
fn metrics_that_this_machine_lacks_are_reported_as_none_on_this_machine() {
    let home = Home::new();
    for selector in [
        "gpu",
        "gpu/card0/usage",
        "gpu/*/temperature",
        "power",
        "power/BAT0/charge",
        "lmsensors",
        "network/*/signal",
        "network/eth0/signal",
        "memory/zram",
        "cpu/cpu0/frequency",
        "pressure/cpu",
        "pressure",
        "cpu/all/temperature",
    ] {
        let error = error_for(
            &home,
            ["raspberry/proc", "nothing"],
            &["cpu/all/usage", selector],
        );
        assert_eq!(error, format!("{selector}: none on this machine"));
    }
}

#[test]
fn the_error_names_the_source_that_is_switched_off() {
    let bus = Bus::activating("");
    let dir = bus.config().join("sampled");
    fs::create_dir_all(&dir).unwrap();
    fs::write(
        dir.join("config.toml"),
        "sources.off = ['os', 'cpuinfo', 'pressure', 'sources.d']",
    )
    .unwrap();
    let error = |selector: &str| {
        let run = bus.run(&["list", "memory", selector]);
        assert_eq!((run.code, &*run.stdout), (Some(1), ""), "{run:?}");
        run.stderr.trim_end().to_owned()
    };
    for (selector, source) in [
        ("pressure", "pressure"),
        ("room/desk/temperature", "sources.d"),
        ("os/kernel/name", "os"),
        ("cpu/all/cpuCount", "cpuinfo"),
    ] {
        assert_eq!(
            error(selector),
            format!("sampled: {selector}: the source {source} is switched off in config.toml")
        );
    }
    // The other sources are suggested as usual.
    assert!(error("cpuu").ends_with("(nearest: cpu)"));
    bus.block_on(async {
        let error = bus
            .client()
            .await
            .list(&["pressure/cpu"])
            .await
            .unwrap_err();
        assert!(matches!(error, Error::UnknownMetric(_)), "{error:?}");
    });
}

#[test]
fn suggestions_for_many_selectors_among_many_definitions_cost_little() {
    let bus = Bus::activating("");
    let metric = |number: usize| {
        format!(
            "[metrics.'a{}/b/{number}']\nexpression = '1'\n",
            letters(number)
        )
    };
    let text: String = (0..16_000).map(metric).collect();
    define(&sources_d(&bus), "a.toml", &text);
    bus.block_on(async {
        let client = bus.client().await;
        client.list(&["memory"]).await.unwrap();
        client.list(&["nothing"]).await.unwrap_err();
        let selectors: Vec<_> = (0..4096)
            .map(|number| format!("b{}", letters(number)))
            .collect();
        let selectors: Vec<_> = selectors.iter().map(String::as_str).collect();
        // A comparison of each selector with each id would take longer than the 25 s for which a client waits.
        let error = client.list(&selectors).await.unwrap_err();
        assert!(matches!(error, Error::UnknownMetric(_)), "{error:?}");
    });
}

/// A number in letters: ids that differ only in digits are not suggested.
fn letters(number: usize) -> String {
    let letter = |shift: u32| char::from(b'a' + (number >> shift & 15) as u8);
    [12, 8, 4, 0]
        .map(letter)
        .iter()
        .collect::<String>()
        .repeat(12)
}
