//! Charts of metrics over time.

mod axis;
mod columns;
mod cursor;
mod description;
mod hue;
mod input;
mod plot;
mod scale;
mod ticks;

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use gtk::{glib, gsk, prelude::*, subclass::prelude::*};

use crate::{accessible, recording::Samples};
use columns::Window;

pub use axis::{LONGEST_SPAN, SHORTEST_SPAN, TimeAxis};
pub use sampled_pages::Hue;

/// One line of a chart.
#[derive(Clone, Debug)]
pub struct Series {
    /// The name of the line, for the user; empty if the chart has only one.
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
        pub(super) follows: RefCell<Option<glib::SignalHandlerId>>,
        pub(super) series: RefCell<Vec<Series>>,
        pub(super) unit: RefCell<String>,
        pub(super) bounds: Cell<(Option<f64>, Option<f64>)>,
        pub(super) is_out_of_view: Cell<bool>,
        /// All but the cursor, as it was drawn the last time. `None` if it has to be drawn again.
        pub(super) plot: RefCell<Option<gsk::RenderNode>>,
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

    impl ObjectImpl for Chart {
        fn constructed(&self) {
            self.parent_constructed();
            let chart = self.obj();
            chart.set_focusable(true);
            chart.set_overflow(gtk::Overflow::Hidden);
            chart.add_css_class("caption");
            chart.add_css_class("numeric");
            input::connect(&chart);
            let style = adw::StyleManager::for_display(&chart.display());
            for property in ["notify::dark", "notify::high-contrast"] {
                let redraw = glib::closure_local!(
                    #[watch]
                    chart,
                    move |_: adw::StyleManager, _: glib::ParamSpec| chart.redraw()
                );
                style.connect_closure(property, false, redraw);
            }
        }

        fn dispose(&self) {
            self.leave_axis();
        }
    }

    impl WidgetImpl for Chart {
        fn measure(&self, orientation: gtk::Orientation, _for_size: i32) -> (i32, i32, i32, i32) {
            match orientation {
                gtk::Orientation::Horizontal => {
                    // A low chart is one of many, which want to be beside each other.
                    let height = self.obj().height_request().max(48);
                    (48, height.saturating_mul(5) / 2, -1, -1)
                }
                _ => (24, 60, -1, -1),
            }
        }

        fn size_allocate(&self, width: i32, height: i32, baseline: i32) {
            self.parent_size_allocate(width, height, baseline);
            self.plot.replace(None);
        }

        fn direction_changed(&self, previous: gtk::TextDirection) {
            self.parent_direction_changed(previous);
            self.obj().redraw();
        }

        fn map(&self) {
            self.parent_map();
            self.obj().describe();
        }

        fn snapshot(&self, snapshot: &gtk::Snapshot) {
            if self.is_out_of_view.get() {
                return;
            }
            let Some(axis) = self.axis.borrow().clone() else {
                return;
            };
            let chart = self.obj();
            let window = chart.window(&axis);
            let series = self.series.borrow();
            let unit = self.unit.borrow();
            let plot = self.plot.take().or_else(|| {
                let snapshot = gtk::Snapshot::new();
                plot::draw(
                    &snapshot,
                    &chart,
                    &series,
                    window,
                    (&unit, self.bounds.get()),
                );
                snapshot.to_node()
            });
            if let Some(plot) = &plot {
                snapshot.append_node(plot);
            }
            self.plot.replace(plot);
            if axis.cursor() != 0 {
                cursor::draw(snapshot, &chart, &series, window, &unit, axis.cursor());
            }
        }
    }

    impl Chart {
        pub(super) fn leave_axis(&self) {
            if let Some(axis) = self.axis.take()
                && let Some(handler) = self.follows.take()
            {
                axis.disconnect(handler);
            }
        }
    }
}

glib::wrapper! {
    /// A chart of one or more metrics of one unit, over the time of a shared axis.
    ///
    /// It is drawn when the axis moves, and never by itself. Ctrl and the wheel zoom, Shift and the wheel, a drag and the arrow
    /// keys scroll; Home, End, + and - work, too.
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
        let imp = self.imp();
        imp.leave_axis();
        let chart = self.downgrade();
        let handler = axis.connect_notify_local(None, move |axis, property| {
            let Some(chart) = chart.upgrade() else { return };
            match property.name() {
                "cursor" => {
                    if chart.is_shown() {
                        chart.queue_draw();
                    }
                    chart.describe();
                }
                "newest" => chart.describe(),
                "span" | "end" => {
                    chart.redraw();
                    // A live axis moves with the newest frame.
                    if !axis.live() {
                        chart.describe();
                    }
                }
                _ => {}
            }
        });
        imp.axis.replace(Some(axis.clone()));
        imp.follows.replace(Some(handler));
        self.redraw();
    }

    /// Sets the accessible name. It is not drawn.
    pub fn set_title(&self, title: &str) {
        accessible::set_label(self, title);
    }

    /// Sets the unit of all series, in UCUM.
    pub fn set_unit(&self, unit: &str) {
        self.imp().unit.replace(unit.to_owned());
        self.redraw();
    }

    /// Sets the least and the greatest value of the scale. Where one is `None`, the values that are shown decide.
    pub fn set_bounds(&self, minimum: Option<f64>, maximum: Option<f64>) {
        self.imp().bounds.set((minimum, maximum));
        self.redraw();
    }

    /// Sets the lines.
    pub fn set_series(&self, series: Vec<Series>) {
        self.imp().series.replace(series);
        self.redraw();
    }

    /// Draws the chart again, after samples have changed without a frame.
    pub fn refresh(&self) {
        self.redraw();
        self.describe();
    }

    /// Says whether the chart can be seen. Out of view, it is not drawn, but the focus finds it.
    pub fn set_in_view(&self, is_in_view: bool) {
        self.imp().is_out_of_view.set(!is_in_view);
        if is_in_view {
            self.refresh();
        }
    }

    /// Whether the chart can be seen.
    pub fn is_in_view(&self) -> bool {
        !self.imp().is_out_of_view.get()
    }

    fn is_shown(&self) -> bool {
        WidgetExt::is_mapped(self) && self.is_in_view()
    }

    fn redraw(&self) {
        self.imp().plot.replace(None);
        if self.is_shown() {
            self.queue_draw();
        }
    }

    /// Tells assistive technologies the newest values, or those at the cursor, and what there is of the shown time.
    fn describe(&self) {
        if !self.is_shown() {
            return;
        }
        let imp = self.imp();
        let Some(axis) = imp.axis.borrow().clone() else {
            return;
        };
        let (series, unit) = (imp.series.borrow(), imp.unit.borrow());
        let description = description::of_series(&series, &unit, &axis);
        accessible::set_description(self, &description);
    }

    /// The window of time that is drawn.
    fn window(&self, axis: &TimeAxis) -> Window {
        Window {
            start: axis.start(),
            end: axis.end(),
            width: f64::from(self.width()),
        }
    }
}
