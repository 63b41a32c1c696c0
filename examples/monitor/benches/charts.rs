//! Measures what charts cost: twelve of 600 samples each, drawn once a second, as a share of one processor.
//!
//! ```text
//! GSK_RENDERER=cairo xvfb-run cargo bench -p sampled-monitor --bench charts -- 20
//! ```
//! The argument is the time in seconds.

#![allow(
    clippy::arithmetic_side_effects,
    missing_docs,
    reason = "a measurement"
)]

use std::{
    cell::RefCell,
    rc::Rc,
    time::{Duration, Instant},
};

use adw::prelude::*;
use gtk::glib;
use sampled_monitor::{
    chart::{Chart, Hue, Series, TimeAxis},
    recording::Samples,
};

const CHARTS: usize = 12;
const SAMPLES: u64 = 600;
const SECOND: u64 = 1_000_000;

fn main() -> Result<(), glib::BoolError> {
    let arguments = std::env::args().skip(1);
    let seconds = arguments
        .filter_map(|argument| argument.parse().ok())
        .next()
        .unwrap_or(20);
    gtk::init()?;
    adw::init()?;
    let axis = TimeAxis::new();
    axis.set_span(SAMPLES * SECOND);
    let now = glib::real_time() as u64;
    let recordings: Vec<_> = (0..CHARTS)
        .map(|_| Samples::shared(2 * SAMPLES as usize))
        .collect();
    for index in (0..SAMPLES).rev() {
        record(&recordings, now - index * SECOND);
    }
    axis.advance(now);
    let window = window(&axis, &recordings);
    window.present();
    let frames = Rc::new(RefCell::new(0_u64));
    if let Some(clock) = window.frame_clock() {
        let frames = frames.clone();
        clock.connect_after_paint(move |_| *frames.borrow_mut() += 1);
    }

    let main_loop = glib::MainLoop::new(None, false);
    // The window appears first.
    for (start, name) in [(2, "drawing"), (1, "idle")] {
        let ends = main_loop.clone();
        glib::timeout_add_local_once(Duration::from_secs(start), move || ends.quit());
        main_loop.run();
        let (began, cpu, drawn) = (Instant::now(), cpu_time(), *frames.borrow());
        let tick = (name == "drawing").then(|| {
            let (axis, recordings) = (axis.clone(), recordings.clone());
            glib::timeout_add_local(Duration::from_secs(1), move || {
                let now = glib::real_time() as u64;
                record(&recordings, now);
                axis.advance(now);
                glib::ControlFlow::Continue
            })
        });
        let ends = main_loop.clone();
        glib::timeout_add_local_once(Duration::from_secs(seconds), move || ends.quit());
        main_loop.run();
        if let Some(tick) = tick {
            tick.remove();
        }
        let used = cpu_time() - cpu;
        let share = used.as_secs_f64() / began.elapsed().as_secs_f64() * 100.0;
        let frames = *frames.borrow() - drawn;
        println!(
            "{name}: {share:.2} % of a processor, {used:?} for {frames} frames in {seconds} s"
        );
    }
    Ok(())
}

fn record(recordings: &[Rc<RefCell<Samples>>], time: u64) {
    for (index, samples) in recordings.iter().enumerate() {
        let seconds = (time / SECOND % 100_000) as f64;
        let noise = (seconds * 12.9898 + index as f64).sin() * 43_758.545;
        let value = 50.0 + 30.0 * (seconds / 40.0 + index as f64).sin() + 15.0 * noise.fract();
        samples.borrow_mut().push(time, Ok(value));
    }
}

/// A window with all charts in a grid of three columns.
fn window(axis: &TimeAxis, recordings: &[Rc<RefCell<Samples>>]) -> gtk::Window {
    let grid = gtk::Grid::builder()
        .row_spacing(12)
        .column_spacing(12)
        .row_homogeneous(true)
        .column_homogeneous(true)
        .build();
    for (index, samples) in recordings.iter().enumerate() {
        let chart = Chart::new(axis);
        chart.set_title("Processor");
        chart.set_unit("%");
        chart.set_bounds(Some(0.0), Some(100.0));
        chart.set_series(vec![Series::new("", Hue::nth(index), samples.clone())]);
        chart.set_hexpand(true);
        chart.set_vexpand(true);
        grid.attach(&chart, index as i32 % 3, index as i32 / 3, 1, 1);
    }
    gtk::Window::builder()
        .default_width(1200)
        .default_height(800)
        .child(&grid)
        .build()
}

/// The CPU time of all threads of this program.
fn cpu_time() -> Duration {
    let mut total = 0;
    for task in std::fs::read_dir("/proc/self/task")
        .into_iter()
        .flatten()
        .flatten()
    {
        let stat = std::fs::read_to_string(task.path().join("schedstat")).unwrap_or_default();
        total += stat
            .split(' ')
            .next()
            .and_then(|time| time.parse::<u64>().ok())
            .unwrap_or(0);
    }
    Duration::from_nanos(total)
}
