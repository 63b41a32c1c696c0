//! Selectors that mean nothing: what is like them, what there is, and what there is none of.

use std::{fs, time::Instant};

use sampled::client::Error;

use crate::{
    calls::fixture,
    custom::fixture::{define, sources_d},
    support::{bus::Bus, home::Home},
};

/// What `sample` says of a selector where the kernel's files are those of a machine.
fn said(home: &Home, [proc, sys]: [&str; 2], selectors: &[&str]) -> String {
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
fn the_nearest_is_of_the_same_kind() {
    let home = Home::new();
    let check = |selector: &str, nearest: &str| {
        let expected = format!("{selector}: no such metric (nearest: {nearest})");
        assert_eq!(said(&home, LAPTOP, &[selector]), expected);
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
fn what_is_like_nothing_is_told_what_there_is() {
    let home = Home::new();
    let said = |selector| said(&home, LAPTOP, &[selector]);
    let interfaces = "(network has all, enp0s31f6, lo, wlp2s0)";
    for selector in ["network/wlan0", "network/wlan0/state", "network/wlp3s0"] {
        assert_eq!(
            said(selector),
            format!("{selector}: no such metric {interfaces}")
        );
    }
    let of_lo = said("network/lo/colour");
    assert!(
        of_lo.starts_with("network/lo/colour: no such metric (network/lo has download"),
        "{of_lo}"
    );
    assert!(of_lo.ends_with(" more)"), "{of_lo}");
    let weather = said("weather");
    let source = said("cpuinfo");
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
fn what_this_machine_has_none_of_is_no_mistake() {
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
        let said = said(
            &home,
            ["raspberry/proc", "nothing"],
            &["cpu/all/usage", selector],
        );
        assert_eq!(said, format!("{selector}: none on this machine"));
    }
}

#[test]
fn what_is_off_is_said_to_be() {
    let bus = Bus::activating("");
    let dir = bus.config().join("sampled");
    fs::create_dir_all(&dir).unwrap();
    fs::write(
        dir.join("config.toml"),
        "sources.off = ['os', 'cpuinfo', 'pressure', 'sources.d']",
    )
    .unwrap();
    let said = |selector: &str| {
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
            said(selector),
            format!("sampled: {selector}: the source {source} is switched off in config.toml")
        );
    }
    // What the others have is told all the same.
    assert!(said("cpuu").ends_with("(nearest: cpu)"));
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
fn many_definitions_and_many_mistakes_cost_little() {
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
        let start = Instant::now();
        let error = client.list(&selectors).await.unwrap_err();
        let took = start.elapsed();
        assert!(matches!(error, Error::UnknownMetric(_)), "{error:?}");
        assert!(took.as_secs() < 5, "{took:?}");
    });
}

/// A number in letters, as digits that differ are no mistake.
fn letters(number: usize) -> String {
    let letter = |shift: u32| char::from(b'a' + (number >> shift & 15) as u8);
    [12, 8, 4, 0]
        .map(letter)
        .iter()
        .collect::<String>()
        .repeat(12)
}
