//! The signal of wireless interfaces: `/proc/net/wireless`.

use super::interfaces;
use crate::{
    metric::{Kind, Metric, unit},
    rate::Formula,
    reading::{Fault, Raw},
    source::{
        About, Error, Roots, Source,
        file::File,
        parse,
        property::Property,
        rows::{self, Devices, OWNER},
    },
};

/// The lines of `/proc/net/wireless`.
pub(super) struct Wireless {
    file: File,
    devices: Devices<Vec<u8>, ()>,
    changed: bool,
}

/// The owner of the row, and the signal.
const WIDTH: usize = 2;

const SIGNAL: Property = Property::new(
    "signal",
    "Signal strength",
    "Strength of the radio signal.",
    "level (dBm) in the interface's line of /proc/net/wireless on NetworkManager's scale: −20 dBm and more is 100, −90 dBm and less is 30; without a level, quality / 70; gone without a connection",
    unit::PERCENT,
    Kind::Gauge,
);

impl Wireless {
    pub(super) fn new(roots: &Roots) -> Self {
        Self {
            file: File::of_lines(interfaces::table_path(roots, "wireless")),
            devices: Devices::default(),
            changed: false,
        }
    }
}

impl Source for Wireless {
    fn about(&self) -> About<'_> {
        About::new("network", &["network/*/signal"]).of_devices(&["net"])
    }

    fn discover(&mut self) -> Result<Vec<Metric>, Error> {
        // A kernel without wireless support has no file.
        let Some(text) = self.file.read_if_present()? else {
            return Ok(Vec::new());
        };
        let names = parse::lines(text).filter_map(interfaces::split_line);
        let names: Vec<_> = names.map(|(name, _)| name.to_vec()).collect();
        let found = names.iter().map(|name| (name.clone(), ()));
        let rows = self.devices.arrange(found, |_, ()| ());
        let metric = |(name, row): (&Vec<u8>, usize)| {
            let first = rows::place(row, WIDTH, 0);
            let formula = Formula::Level(first.saturating_add(1));
            let formula = self.devices.formula(row, first, formula);
            SIGNAL.of("network", name, &interfaces::object(name), formula)
        };
        self.changed = false;
        Ok(names.iter().zip(rows).map(metric).collect())
    }

    fn read(&mut self, columns: &mut Vec<Raw>) -> Result<(), Error> {
        self.changed |= !read_rows(self.file.read()?, &self.devices, columns);
        Ok(())
    }

    fn changed(&self) -> bool {
        self.changed
    }
}

/// Reads the columns of these interfaces from a text of `/proc/net/wireless`. Returns false if the text has
/// others.
fn read_rows(text: &[u8], devices: &Devices<Vec<u8>, ()>, columns: &mut Vec<Raw>) -> bool {
    columns.resize(
        rows::place(devices.len(), WIDTH, 0),
        Raw::Fault(Fault::Gone),
    );
    let mut is_known = true;
    for (name, rest) in parse::lines(text).filter_map(interfaces::split_line) {
        let mut rows = columns.chunks_exact_mut(WIDTH).zip(devices.iter());
        let found = rows.find_map(|(row, device)| {
            let device = device.filter(|device| device.id == name)?;
            Some((row, device))
        });
        match found {
            Some((row, device)) => {
                row[OWNER] = device.owner();
                row[1] = signal(rest).map_or_else(Raw::Fault, Raw::Number);
            }
            None => is_known = false,
        }
    }
    is_known
}

/// Parses any text, for the test of malformed input.
#[cfg(test)]
pub(super) fn check_text(text: &[u8]) {
    let mut devices = Devices::default();
    devices.arrange([(b"wlp2s0".to_vec(), ())], |_, ()| ());
    read_rows(text, &devices, &mut Vec::new());
}

/// The signal in per cent, from a line such as ` 0000   54.  -56.  -256  0 0 0 0 3 0`: the status, the quality,
/// the level and the noise. A dot marks an updated number.
///
/// An interface without a connection has zeros (`nullstats` in net/wireless/wext-proc.c), and a level in dBm that the driver
/// does not know is 0 − 256: [`Fault::Gone`].
fn signal(rest: &[u8]) -> Result<f64, Fault> {
    const WEAKEST: f64 = -90.0;
    const STRONGEST: f64 = -20.0;
    const UNKNOWN: i64 = -256;
    let mut fields = parse::fields(rest).skip(1);
    let mut next = || {
        let field = fields.next().ok_or(Fault::Malformed)?;
        parse::signed(field.strip_suffix(b".").unwrap_or(field)).ok_or(Fault::Malformed)
    };
    let (quality, level) = (next(), next());
    match level {
        Ok(level) if level < 0 && level != UNKNOWN => {
            let level = (level as f64).clamp(WEAKEST, STRONGEST);
            Ok(100.0 - 70.0 * (STRONGEST - level) / (STRONGEST - WEAKEST))
        }
        _ => match quality? {
            0 => level.and(Err(Fault::Gone)),
            // The maximum of mac80211.
            quality if quality > 0 => Ok((100.0 * quality as f64 / 70.0).min(100.0)),
            _ => Err(Fault::Malformed),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::tests::{read, roots};

    #[track_caller]
    fn check(rest: &str, expected: Result<f64, Fault>) {
        assert_eq!(signal(rest.as_bytes()), expected, "{rest}");
    }

    #[test]
    fn signals() {
        check(" 0000   70.  -20.  -256", Ok(100.0));
        check(" 0000   35.  -55.  -256", Ok(65.0));
        check(" 0000   54  -55  -256", Ok(65.0));
        check(" 0000   10.  -120.  -256", Ok(30.0));
        check(" 0000   10.  -5.  -256", Ok(100.0));
        check(" 0000   35.  0.  0", Ok(50.0));
        check(" 0000   200.  0.  0", Ok(100.0));
    }

    #[test]
    fn a_signal_that_is_not_known_is_no_signal() {
        check(" 0000    0     0     0        0      0", Err(Fault::Gone));
        check(" 0000    0  -256  -256", Err(Fault::Gone));
        check(" 0000    0    40     0", Err(Fault::Gone));
        check(" 0000   35.  -256  -256", Ok(50.0));
    }

    #[test]
    fn one_field_that_is_malformed_costs_itself() {
        let malformed = Err(Fault::Malformed);
        check(" 0000   99999999999999999999.  -55.  -256", Ok(65.0));
        check(" 0000   35.  99999999999999999999.  -256", Ok(50.0));
        check(" 0000   x  -56.", Ok(64.0));
        check(" 0000   54.", Ok(100.0 * 54.0 / 70.0));
        check(" 0000   -3.  0.  0", malformed);
        check(" 0000   0.", malformed);
        check("", malformed);
    }

    #[test]
    fn fixtures() {
        let mut laptop = Wireless::new(&roots("laptop"));
        assert_eq!(&*laptop.discover().unwrap()[0].id, "network/wlp2s0/signal");
        assert_eq!(read(&mut laptop)[1..], [Raw::Number(65.0)]);
        assert!(!laptop.changed());
        assert_eq!(Wireless::new(&roots("server")).discover().unwrap(), []);
    }
}
