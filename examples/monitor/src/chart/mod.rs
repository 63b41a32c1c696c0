//! Charts of metrics over time.

mod axis;
mod hue;

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use gtk::{glib, prelude::*, subclass::prelude::*};

use crate::{accessible, recording::Samples};

pub use axis::{LONGEST_SPAN, SHORTEST_SPAN, TimeAxis};
pub use hue::Hue;

/// One line of a chart.
#[derive(Clone, Debug)]
pub struct Series {
    /// The name of the line, for the user.
    pub name: String,
    /// Its colour.
    pub hue: Hue,
    /// Its samples.
    pub samples: Rc<RefCell<Samples>>,
}

impl Series {
    /// A line.
    pub fn new(name: &str, hue: Hue, samples: Rc<RefCell<Samples>>) -> Self {
        Self {
            name: name.to_owned(),
            hue,
            samples,
        }
    }
}

mod imp {
    use super::*;

    #[derive(Debug, Default)]
    pub struct Chart {
        pub(super) axis: RefCell<Option<TimeAxis>>,
        pub(super) series: RefCell<Vec<Series>>,
        pub(super) unit: RefCell<String>,
        pub(super) title: RefCell<String>,
        pub(super) bounds: Cell<(Option<f64>, Option<f64>)>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for Chart {
        const NAME: &'static str = "SampledChart";
        type Type = super::Chart;
        type ParentType = gtk::Widget;

        fn class_init(class: &mut Self::Class) {
            class.set_css_name("chart");
            class.set_accessible_role(gtk::AccessibleRole::Img);
        }
    }

    impl ObjectImpl for Chart {}

    impl WidgetImpl for Chart {}
}

glib::wrapper! {
    /// A chart of one or more metrics of one unit, over the time of a shared axis.
    pub struct Chart(ObjectSubclass<imp::Chart>)
        @extends gtk::Widget,
        @implements gtk::Buildable, gtk::ConstraintTarget;
}

impl Chart {
    /// An empty chart on an axis.
    pub fn new(axis: &TimeAxis) -> Self {
        let chart: Self = glib::Object::new();
        chart.set_axis(axis);
        chart
    }

    /// Sets the axis.
    pub fn set_axis(&self, axis: &TimeAxis) {
        self.imp().axis.replace(Some(axis.clone()));
        self.queue_draw();
    }

    /// Sets the accessible name. It is not drawn.
    pub fn set_title(&self, title: &str) {
        self.imp().title.replace(title.to_owned());
        accessible::set_label(self, title);
    }

    /// Sets the unit of all series, in UCUM.
    pub fn set_unit(&self, unit: &str) {
        self.imp().unit.replace(unit.to_owned());
        self.queue_draw();
    }

    /// Sets the least and the greatest value of the scale. Where one is `None`, the values that are shown decide.
    pub fn set_bounds(&self, minimum: Option<f64>, maximum: Option<f64>) {
        self.imp().bounds.set((minimum, maximum));
        self.queue_draw();
    }

    /// Sets the lines.
    pub fn set_series(&self, series: Vec<Series>) {
        self.imp().series.replace(series);
        self.queue_draw();
    }

    /// Draws the chart again, after samples have changed without a frame.
    pub fn refresh(&self) {
        if WidgetExt::is_mapped(self) {
            self.queue_draw();
        }
    }
}
