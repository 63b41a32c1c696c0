//! The same value in several files of a device: the first file that has it counts.

use crate::{
    reading::{Fault, Raw},
    source::{Error, device::Attribute},
};

/// The files of a device that may have one value, the best first.
pub(super) struct FirstValue(Vec<Attribute>);

impl FirstValue {
    pub(super) fn new(attributes: impl IntoIterator<Item = Attribute>) -> Self {
        Self(attributes.into_iter().collect())
    }

    /// The first value. Another file is read only if the files before it are missing, fail, or have no value; if none
    /// has one, the reading is that of the first file that exists.
    pub(super) fn read(&mut self, parse: impl Fn(&[u8]) -> Raw) -> Result<Raw, Error> {
        let mut failure: Option<Result<Raw, Error>> = None;
        for attribute in &mut self.0 {
            let outcome = attribute.read().map(&parse);
            if matches!(outcome, Ok(Raw::Number(_))) {
                return outcome;
            }
            let is_missing = |outcome: &Result<Raw, Error>| matches!(outcome, Err(error) if error.fault() == Fault::Gone);
            if failure.as_ref().is_none_or(is_missing) {
                failure = Some(outcome);
            }
        }
        failure.unwrap_or(Ok(Raw::Fault(Fault::Gone)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{
        device::{Device, Losses},
        parse,
        tests::Tree,
    };

    #[test]
    fn another_file_is_read_only_where_the_first_has_no_value() {
        let tree = Tree::new();
        let device = Device::new(tree.roots().sys, None, &Losses::default());
        let mut value = FirstValue::new(["a", "b"].map(|file| device.attribute(file)));
        let parse = |text: &[u8]| {
            let number = parse::signed(text.trim_ascii());
            number.map_or(Raw::Fault(Fault::Malformed), |number| {
                Raw::Number(number as f64)
            })
        };
        assert_eq!(value.read(parse).unwrap_err().fault(), Fault::Gone);
        tree.write("b", "2\n");
        assert_eq!(value.read(parse).unwrap(), Raw::Number(2.0));
        tree.write("a", "<unknown>\n");
        assert_eq!(value.read(parse).unwrap(), Raw::Number(2.0));
        tree.write("b", "");
        assert_eq!(value.read(parse).unwrap(), Raw::Fault(Fault::Malformed));
        tree.write("a", "1\n");
        assert_eq!(value.read(parse).unwrap(), Raw::Number(1.0));
        // A directory fails with EISDIR, as a driver fails with EIO.
        std::fs::remove_file(tree.root.join("a")).unwrap();
        std::fs::remove_file(tree.root.join("b")).unwrap();
        let mut value = FirstValue::new(["a", "b"].map(|file| device.attribute(file)));
        std::fs::create_dir(tree.root.join("a")).unwrap();
        tree.write("b", "3\n");
        assert_eq!(value.read(parse).unwrap(), Raw::Number(3.0));
    }
}
