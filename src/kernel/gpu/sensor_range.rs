//! The scale and the limits of a GPU's sensor.

use std::path::Path;

use crate::{
    kernel::hwmon::{sensor::read_range, sensor_type::SENSOR_TYPES},
    source::{
        device::{Device, Losses, split_number},
        property::Range,
    },
};

/// Reads the scale and the limits beside a file with a value: `temp1_crit` beside `temp1_input`. None if the file is
/// not that of a sensor.
pub(super) fn sensor_range(value: &Path) -> Option<Range> {
    let (feature, _) = value.file_name()?.to_str()?.split_once('_')?;
    let (prefix, _) = split_number(feature);
    let mut types = SENSOR_TYPES.iter();
    let sensor_type = types.find(|each| each.prefix == prefix)?;
    let device = Device::new(value.parent()?.to_owned(), None, &Losses::default());
    Some(read_range(sensor_type, &device, feature))
}
