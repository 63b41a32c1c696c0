//! Files of one number, and of several clocks.

use std::{io, path::Path};

use crate::source::{Error, device::Attribute, parse};

/// A file with a number, or with one to choose.
pub(super) struct NumberFile {
    pub(super) file: Attribute,
    form: Form,
}

/// The form of the number.
#[derive(Clone, Copy)]
pub(super) enum Form {
    /// A number, its scale, and the range of valid values.
    Scaled(f64, [f64; 2]),
    /// A share in per cent.
    Percent,
    /// A list of clocks in megahertz, one of which is active.
    Clocks,
}

/// A share in per cent up to this is taken for 100 %: counters that are not read at one instant. A larger number is none:
/// firmware writes 255 or 65535 for a value that it does not have.
const LARGEST_SHARE: f64 = 200.0;

impl NumberFile {
    pub(super) fn new(file: Attribute, form: Form) -> Self {
        Self { file, form }
    }

    pub(super) fn read(&mut self) -> Result<f64, Error> {
        let text = self.file.read()?;
        let signed = |text: &[u8]| parse::signed(text.trim_ascii());
        let number = match self.form {
            Form::Scaled(scale, _) => signed(text).map(|number| number as f64 * scale),
            Form::Percent => signed(text).map(|number| number as f64),
            Form::Clocks => match active_clock(text) {
                Clock::Active(megahertz) => Some(megahertz as f64),
                // The driver says of none that it is active.
                Clock::None => return Err(no_value(&self.file, "no clock is active")),
                Clock::Malformed => None,
            },
        };
        let number = number.ok_or_else(|| malformed(&self.file))?;
        let valid = match self.form {
            Form::Scaled(_, [minimum, maximum]) => minimum..=maximum,
            Form::Percent => 0.0..=LARGEST_SHARE,
            Form::Clocks => 0.0..=f64::MAX,
        };
        if !valid.contains(&number) {
            let what = format!("{number} cannot be");
            return Err(Error::malformed(self.file.path(), what));
        }
        Ok(match self.form {
            Form::Percent => number.min(100.0),
            _ => number,
        })
    }
}

/// The number of the first file that has one; otherwise the error of the first.
pub(super) fn first_number(files: &mut [NumberFile]) -> Result<f64, Error> {
    let mut first = None;
    for file in files {
        match file.read() {
            Ok(number) => return Ok(number),
            Err(error) => drop(first.get_or_insert(error)),
        }
    }
    Err(first.unwrap_or_else(|| Error::io(Path::new(""), io::ErrorKind::NotFound.into())))
}

/// The contents of a file.
pub(super) fn parsed<T>(
    file: &mut Attribute,
    parse: impl Fn(&[u8]) -> Option<T>,
) -> Result<T, Error> {
    match parse(file.read()?) {
        Some(parsed) => Ok(parsed),
        None => Err(malformed(file)),
    }
}

/// The error of a file whose text has another form.
pub(super) fn malformed(file: &Attribute) -> Error {
    Error::malformed(file.path(), "not what the driver documents")
}

/// The error of a file that has no value at the moment.
fn no_value(file: &Attribute, what: &'static str) -> Error {
    Error::io(file.path(), io::Error::other(what))
}

/// The active clock of a list.
#[derive(Debug, PartialEq)]
pub(super) enum Clock {
    /// Its frequency in megahertz.
    Active(u64),
    /// No clock of the list is active.
    None,
    /// The text is no list of clocks.
    Malformed,
}

/// The frequency in the line that ends with an asterisk: `1: 800Mhz *`, or `S: 19Mhz *` in deep sleep.
pub(super) fn active_clock(text: &[u8]) -> Clock {
    let clock = |line: &[u8]| parse::number(parse::fields(line).nth(1)?.strip_suffix(b"Mhz")?);
    let mut is_list = false;
    for line in parse::lines(text).map(<[u8]>::trim_ascii) {
        let (line, is_active) = match line.strip_suffix(b"*") {
            Some(line) => (line, true),
            None => (line, false),
        };
        match clock(line) {
            Some(megahertz) if is_active => return Clock::Active(megahertz),
            Some(_) => is_list = true,
            None => {}
        }
    }
    match is_list {
        true => Clock::None,
        false => Clock::Malformed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_clock(text: &str, expected: Clock) {
        assert_eq!(active_clock(text.as_bytes()), expected, "{text}");
    }

    #[test]
    fn the_clock_with_an_asterisk_is_active() {
        check_clock(
            "0: 500Mhz \n1: 2285Mhz *\n2: 2410Mhz \n",
            Clock::Active(2285),
        );
        check_clock("S: 19Mhz *\n0: 615Mhz \n", Clock::Active(19));
        check_clock("0: 500Mhz \n1: 800Mhz*\n", Clock::Active(800));
        check_clock("0: 500Mhz \n1: 800Mhz \n", Clock::None);
        // A line in another unit is no clock.
        check_clock("0: 2.5GT/s, x8 *\n1: 800Mhz *\n", Clock::Active(800));
        check_clock("0: 2.5GT/s, x8 *\n1: 800Mhz\n", Clock::None);
        for bad in ["", "*", "0: *", "0: 500 *", "0: Mhz *", "0: -5Mhz *"] {
            check_clock(bad, Clock::Malformed);
        }
    }
}
