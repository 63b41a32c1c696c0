//! The names that chips have in ids: those of libsensors, as long as these tell the chips apart, and the same name for a
//! chip that comes back.

use std::{
    collections::{BTreeMap, HashSet},
    path::{Path, PathBuf},
};

use super::{chip::Chip, file_name};

/// The names of the chips that are or were present.
#[derive(Default)]
pub(crate) struct ChipNames(Vec<NamedChip>);

/// A chip that had a name at the last probe, or before it went.
#[derive(Clone)]
struct NamedChip {
    /// The name that libsensors gives it.
    plain: String,
    device: PathBuf,
    /// The plain name that it had when it was found first: a driver may count in it (`mt7921_phy0`, `iwlwifi_1`).
    base: String,
    name: String,
}

/// The largest number of chips that are remembered, those that are present not counted.
const MOST_ABSENT: usize = 256;

impl ChipNames {
    /// The names of these chips, which are all that are present.
    ///
    /// Two chips may have the same name, because libsensors takes ACPI chips and chips without a bus for unique. Then the
    /// one in the lower slot has the plain name, and the name of the device is added to that of the other, for as long as
    /// both are there. The other keeps its name when the first one goes.
    pub(crate) fn of(&mut self, chips: &[Chip]) -> Vec<String> {
        let mut absent = std::mem::take(&mut self.0);
        let mut before: Vec<_> = chips
            .iter()
            .map(|chip| take(&mut absent, |known| known.is_at(chip)))
            .collect();
        // The same chip under another number: as `phy1`, or as the second one that the driver has counted.
        for (chip, before) in chips.iter().zip(&mut before) {
            if before.is_none() {
                let (name, device) = (steady(&chip.name), steady_path(&chip.device));
                *before = take(&mut absent, |known| {
                    known.plain == chip.name && known.is_steadily(&name, &device)
                })
                .or_else(|| take(&mut absent, |known| known.is_steadily(&name, &device)));
            }
        }
        let mut groups: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (index, (chip, before)) in chips.iter().zip(&before).enumerate() {
            let base = before.as_ref().map_or(&chip.name, |before| &before.base);
            groups.entry(base).or_default().push(index);
        }
        let mut names = vec![String::new(); chips.len()];
        let mut taken = HashSet::new();
        for (base, mut group) in groups {
            let is_alone = group.len() == 1;
            group.sort_by_key(|&index| &chips[index].device);
            for (position, index) in group.into_iter().enumerate() {
                let known = before[index].as_ref().filter(|_| is_alone);
                let name = match known {
                    Some(known) => known.name.clone(),
                    None if position == 0 => base.to_owned(),
                    None => format!("{base}@{}", file_name(&chips[index].device)),
                };
                names[index] = unique(name, &mut taken);
            }
        }
        let present = chips.iter().zip(&before).zip(&names);
        let present = present.map(|((chip, before), name)| NamedChip {
            plain: chip.name.clone(),
            device: chip.device.clone(),
            base: before
                .as_ref()
                .map_or(&chip.name, |before| &before.base)
                .clone(),
            name: name.clone(),
        });
        let present: Vec<_> = present.collect();
        absent.truncate(MOST_ABSENT);
        self.0 = present.into_iter().chain(absent).collect();
        names
    }
}

impl NamedChip {
    fn is_at(&self, chip: &Chip) -> bool {
        self.plain == chip.name && self.device == chip.device
    }

    fn is_steadily(&self, name: &str, device: &Path) -> bool {
        steady(&self.plain) == name && steady_path(&self.device) == device
    }
}

/// Takes the first chip that is meant.
fn take(chips: &mut Vec<NamedChip>, is_meant: impl Fn(&NamedChip) -> bool) -> Option<NamedChip> {
    let index = chips.iter().position(is_meant)?;
    Some(chips.remove(index))
}

/// The name, with a number if it is taken.
fn unique(name: String, taken: &mut HashSet<String>) -> String {
    let numbered = (2..).map(|number: usize| format!("{name}#{number}"));
    let mut candidates = std::iter::once(name.clone()).chain(numbered);
    let free = candidates
        .find(|name| !taken.contains(name))
        .unwrap_or(name);
    taken.insert(free.clone());
    free
}

/// The prefixes of names whose numbers are those of a registration: another one after each load of the driver.
const COUNTED: [&str; 4] = ["phy", "hwmon", "thermal_zone", "iwlwifi_"];

/// A name without the numbers of registrations: `mt7921_phy-pci-0200` of `mt7921_phy0-pci-0200`.
fn steady(name: &str) -> String {
    let mut steady = name.to_owned();
    for prefix in COUNTED {
        let Some(at) = steady.find(prefix) else {
            continue;
        };
        let start = at.saturating_add(prefix.len());
        let digits = steady[start..]
            .bytes()
            .take_while(u8::is_ascii_digit)
            .count();
        steady.replace_range(start..start.saturating_add(digits), "");
    }
    steady
}

/// A path without the numbers of registrations.
fn steady_path(path: &Path) -> PathBuf {
    let parts = path.components();
    parts
        .map(|part| steady(&part.as_os_str().to_string_lossy()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Probes for chips, each a plain name and a device.
    #[track_caller]
    fn check(names: &mut ChipNames, chips: &[(&str, &str)], expected: &[&str]) {
        let chips: Vec<_> = chips
            .iter()
            .map(|(name, device)| Chip {
                prefix: String::new(),
                name: (*name).to_owned(),
                directory: PathBuf::new(),
                device: PathBuf::from(device),
                power_device: None,
                may_block: false,
            })
            .collect();
        assert_eq!(names.of(&chips), expected);
    }

    #[test]
    fn the_lower_slot_has_the_plain_name_while_both_are_there() {
        let mut names = ChipNames::default();
        let (low, high) = (("x-acpi-0", "/a/INT3400:00"), ("x-acpi-0", "/b/INT3403:00"));
        check(&mut names, &[high], &["x-acpi-0"]);
        check(
            &mut names,
            &[high, low],
            &["x-acpi-0@INT3403:00", "x-acpi-0"],
        );
        check(
            &mut names,
            &[low, high],
            &["x-acpi-0", "x-acpi-0@INT3403:00"],
        );
        // It keeps its name when the other has gone, and has it again when it comes back.
        check(&mut names, &[high], &["x-acpi-0@INT3403:00"]);
        check(&mut names, &[], &[]);
        check(&mut names, &[high], &["x-acpi-0@INT3403:00"]);
        check(&mut names, &[low], &["x-acpi-0"]);
        check(
            &mut names,
            &[low, high],
            &["x-acpi-0", "x-acpi-0@INT3403:00"],
        );
    }

    #[test]
    fn a_chip_that_is_registered_again_keeps_its_name() {
        let mut names = ChipNames::default();
        let wifi = |phy: u8| {
            (
                format!("mt7921_phy{phy}-pci-0200"),
                format!("/pci/0000:02:00.0/ieee80211/phy{phy}"),
            )
        };
        let zone = |number: u8, zone: u8| {
            (
                format!("iwlwifi_{number}-virtual-0"),
                format!("/virtual/thermal/thermal_zone{zone}"),
            )
        };
        let mut probe = |chips: &[(String, String)], expected: &[&str]| {
            let chips: Vec<_> = chips
                .iter()
                .map(|(name, device)| (&**name, &**device))
                .collect();
            check(&mut names, &chips, expected);
        };
        probe(
            &[wifi(0), zone(1, 4)],
            &["mt7921_phy0-pci-0200", "iwlwifi_1-virtual-0"],
        );
        probe(&[zone(1, 6)], &["iwlwifi_1-virtual-0"]);
        probe(
            &[wifi(1), zone(2, 5)],
            &["mt7921_phy0-pci-0200", "iwlwifi_1-virtual-0"],
        );
        // Another one beside it is another chip.
        probe(
            &[wifi(1), zone(2, 5), zone(3, 6)],
            &[
                "mt7921_phy0-pci-0200",
                "iwlwifi_1-virtual-0",
                "iwlwifi_3-virtual-0",
            ],
        );
    }

    #[test]
    fn zones_in_another_order_keep_their_names() {
        let mut names = ChipNames::default();
        let zone = |number: u8| format!("/virtual/thermal/thermal_zone{number}");
        let (three, four) = (zone(3), zone(4));
        let (sen1, tskn) = ("SEN1-virtual-0", "TSKN-virtual-0");
        check(&mut names, &[(sen1, &three), (tskn, &four)], &[sen1, tskn]);
        check(&mut names, &[(tskn, &three), (sen1, &four)], &[tskn, sen1]);
    }
}
