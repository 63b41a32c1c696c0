//! The names of thermal zones and sensors of processors.
//!
//! The names are those of the device trees of the kernel (`arch/*/boot/dts`, nodes below `thermal-zones`), of vendors'
//! kernels made from them, and of drivers: `cpu-thermal` (most), `cpu0-thermal` (mt8195, sdm845, sun50i-a64),
//! `cpu4-top-thermal` (sm8250), `cpu0-1-thermal` (msm8916), `cpu4567-thermal` (msm8939), `cpu1-2-btm-thermal` (x1e80100),
//! `cpu-0-3-0-thermal` (qcs8300), `bigcore2-thermal` and `littlecore-thermal` (rk3588), `cpu-big0-thermal` (mt8186),
//! `CPU_M1` (CIX Sky1), `cluster6-7-thermal` (lx2160a), `core-cluster-thermal` (ls1046a), `atlas0-thermal` and
//! `apollo-thermal` (exynos5433), `CPU-therm` (Jetson), `imx_thermal_zone` (imx6), `x86_pkg_temp`.

/// The part of the processor that a name means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// The whole processor.
    Whole(Extent),
    /// One of the packages, in the order of the zones.
    Package,
    /// CPUs by numbers, whose meaning depends on the other names. The digits are kept: `0123` means four CPUs.
    Numbered(Vec<String>),
    /// Clusters by numbers; all if there is none.
    Clusters(Vec<u32>),
    /// Cores of one speed, and the number of the sensor or cluster among them.
    Speed(Speed, Option<u32>),
}

/// The extent of a sensor of the whole processor. The first one counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Extent {
    /// The CPUs.
    Cpus,
    /// The package, or a part of it beside the CPUs.
    Package,
    /// The system on a chip.
    Chip,
}

/// The speed of cores.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Speed {
    Little,
    Middle,
    Big,
}

/// Words that tell where on the part the sensor is, or what it is.
const IGNORED: [&str; 18] = [
    "thermal",
    "therm",
    "zone",
    "tz",
    "temp",
    "temperature",
    "sensor",
    "top",
    "btm",
    "bottom",
    "middle",
    "left",
    "right",
    "usr",
    "step",
    "ap",
    "core",
    "tmu",
];

/// The part that a name means; none if it is not a part of the processor, or not known.
pub(super) fn part(name: &str) -> Option<Part> {
    match name {
        "x86_pkg_temp" => return Some(Part::Package),
        "imx_thermal_zone" => return Some(Part::Whole(Extent::Cpus)),
        _ => {}
    }
    let name = name.to_ascii_lowercase();
    let words: Vec<_> = words(&name)
        .filter(|word| !IGNORED.contains(word))
        .collect();
    let (&head, rest) = words.split_first()?;
    let numbers = |words: &[&str]| -> Option<Vec<u32>> {
        words.iter().map(|word| word.parse().ok()).collect()
    };
    let index = |words: &[&str]| match words {
        [] => Some(None),
        [number] => number.parse().ok().map(Some),
        _ => None,
    };
    if let Some(speed) = speed(head) {
        return Some(Part::Speed(speed, index(rest)?));
    }
    match (head, rest) {
        ("cpu" | "cpus" | "tcpu" | "mpu" | "bcpu" | "mcpu", []) => Some(Part::Whole(Extent::Cpus)),
        ("cpuss" | "package" | "pkg", rest) => numbers(rest).map(|_| Part::Whole(Extent::Package)),
        ("soc", []) => Some(Part::Whole(Extent::Chip)),
        ("cluster" | "cls" | "clust", rest) => numbers(rest).map(Part::Clusters),
        ("cpu", ["cluster" | "cls", rest @ ..]) => numbers(rest).map(Part::Clusters),
        ("cpu", ["package" | "pkg" | "die"]) => Some(Part::Whole(Extent::Package)),
        ("cpu", [first, rest @ ..]) => match (
            speed_in_cpu(first),
            rest.first().and_then(|word| speed(word)),
        ) {
            (Some(speed), _) => Some(Part::Speed(speed, index(rest)?)),
            // `cpu0-silver`
            (None, Some(speed)) => Some(Part::Speed(speed, index(&[first])?)),
            (None, None) => {
                numbers(&words[1..])?;
                Some(Part::Numbered(
                    words[1..].iter().map(|&word| word.to_owned()).collect(),
                ))
            }
        },
        _ => None,
    }
}

/// The speed that a word means. Samsung calls the Cortex-A57 of Exynos 5433 Atlas, and the A53 Apollo. Qualcomm's are
/// silver and gold.
fn speed(word: &str) -> Option<Speed> {
    Some(match word {
        "little" | "littlecore" | "silver" | "apollo" => Speed::Little,
        "mid" | "midcore" => Speed::Middle,
        "big" | "bigcore" | "gold" | "atlas" => Speed::Big,
        _ => return None,
    })
}

/// The speed that a word after `cpu` means: also the letters of `CPU_B0`.
fn speed_in_cpu(word: &str) -> Option<Speed> {
    match word {
        "l" => Some(Speed::Little),
        "m" => Some(Speed::Middle),
        "b" => Some(Speed::Big),
        _ => speed(word),
    }
}

/// Whether a name is that of a part beside the CPUs, which may slow the CPUs down when it is hot.
pub(super) fn is_other_part(name: &str) -> bool {
    const OTHERS: [&str; 32] = [
        "acpitz", "ambient", "bat", "batt", "battery", "board", "camera", "charger", "chg", "cv",
        "ddr", "disk", "dram", "gpu", "gpuss", "ic", "lcd", "mem", "memory", "modem", "nvme",
        "panel", "pcb", "pmic", "quiet", "sen", "skin", "ssd", "tskn", "usb", "wifi", "xo",
    ];
    let name = name.to_ascii_lowercase();
    words(&name).any(|word| OTHERS.contains(&word))
}

/// The words and the numbers of a name: `cpu`, `4` and `top` of `cpu4-top`.
fn words(name: &str) -> impl Iterator<Item = &str> {
    name.split(|end: char| !end.is_ascii_alphanumeric())
        .flat_map(|word| {
            let mut rest = word;
            std::iter::from_fn(move || {
                let is_digit = rest.chars().next()?.is_ascii_digit();
                let end = rest.find(|end: char| end.is_ascii_digit() != is_digit);
                let (word, after) = rest.split_at(end.unwrap_or(rest.len()));
                rest = after;
                Some(word)
            })
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_device_trees_and_drivers() {
        let check = |name: &str, expected: Option<Part>| assert_eq!(part(name), expected, "{name}");
        let whole = |extent| Some(Part::Whole(extent));
        for name in [
            "cpu",
            "cpu-thermal",
            "cpu_thermal",
            "CPU-therm",
            "cpu-core-thermal",
            "imx_thermal_zone",
            "TCPU",
            "BCPU-therm",
            "mpu-thermal",
        ] {
            check(name, whole(Extent::Cpus));
        }
        for name in [
            "package-thermal",
            "cpuss0-thermal",
            "cpuss1-top-thermal",
            "cpuss-2-usr",
            "cpu-die-thermal",
        ] {
            check(name, whole(Extent::Package));
        }
        check("soc-thermal", whole(Extent::Chip));
        check("soc_thermal", whole(Extent::Chip));
        check("x86_pkg_temp", Some(Part::Package));
        let numbered = |numbers: &[&str]| {
            Some(Part::Numbered(
                numbers.iter().map(|&number| number.to_owned()).collect(),
            ))
        };
        check("cpu0-thermal", numbered(&["0"]));
        check("cpu11_thermal", numbered(&["11"]));
        check("cpu4-top-thermal", numbered(&["4"]));
        check("cpu0-1-thermal", numbered(&["0", "1"]));
        check("cpu4567-thermal", numbered(&["4567"]));
        check("cpu0123-thermal", numbered(&["0123"]));
        check("cpu1-2-btm-thermal", numbered(&["1", "2"]));
        check("cpu-0-3-0-thermal", numbered(&["0", "3", "0"]));
        check("ap-cpu3-thermal", numbered(&["3"]));
        check("CPU 1 Temperature", numbered(&["1"]));
        let speed = |speed, index| Some(Part::Speed(speed, index));
        check("bigcore0-thermal", speed(Speed::Big, Some(0)));
        check("littlecore-thermal", speed(Speed::Little, None));
        check("cpu-big1-thermal", speed(Speed::Big, Some(1)));
        check("cpu-little0-thermal", speed(Speed::Little, Some(0)));
        check("CPU_M1", speed(Speed::Middle, Some(1)));
        check("cpu-b0", speed(Speed::Big, Some(0)));
        check("atlas1-thermal", speed(Speed::Big, Some(1)));
        check("apollo-thermal", speed(Speed::Little, None));
        check("cpu0-silver-usr", speed(Speed::Little, Some(0)));
        check("core-cluster-thermal", Some(Part::Clusters(vec![])));
        check("core-cluster3-thermal", Some(Part::Clusters(vec![3])));
        check("cluster6-7-thermal", Some(Part::Clusters(vec![6, 7])));
        check("cls0", Some(Part::Clusters(vec![0])));
        for name in [
            "gpu-thermal",
            "battery",
            "acpitz",
            "cpu-fan",
            "cpu_vrm",
            "soc-max-thermal",
            "SEN1",
            "B0D4",
            "ddr-cluster5",
            "center-thermal",
            "iwlwifi_1",
            "",
            "a53-thermal",
        ] {
            check(name, None);
        }
    }

    #[test]
    fn other_parts() {
        for name in [
            "skin-thermal",
            "gpu0-thermal",
            "SEN1",
            "ap-ic-thermal",
            "quiet-therm-adc",
            "TSKN",
        ] {
            assert!(is_other_part(name), "{name}");
        }
        for name in [
            "a55-thermal",
            "main0-thermal",
            "tzts1",
            "prometheus0-thermal",
        ] {
            assert!(!is_other_part(name), "{name}");
        }
    }
}
