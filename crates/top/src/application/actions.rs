//! The actions, and the state that they change.

use std::time::Duration;

use super::{Application, Mode, Prompt, Request, State};
use crate::{action::Action, pages::Page, processes::columns::Column, targets::Target};

/// The intervals of the keys + and -.
const INTERVALS: [u64; 9] = [100, 250, 500, 1000, 2000, 5000, 10_000, 30_000, 60_000];

/// The most characters of a line that the user types.
const LONGEST_LINE: usize = 4096;

impl Application {
    /// Changes what is shown; returns what the rest of the program has to do.
    pub(crate) fn act(&mut self, action: Action) -> Option<Request> {
        self.message = None;
        match action {
            Action::Quit => return Some(Request::Quit),
            Action::Suspend => return Some(Request::Suspend),
            Action::Redraw => return Some(Request::Redraw),
            Action::Show(page) => self.show(page),
            Action::NextPage => self.show_beside(1),
            Action::PreviousPage => self.show_beside(self.pages.len().saturating_sub(1)),
            Action::Beside(forward) => self.go_beside(forward),
            Action::Scroll(rows) => self.scroll_by(rows),
            Action::Wheel(rows) => match self.has_table() {
                true => self.table.scroll_by(rows),
                false => self.scroll_by(rows),
            },
            Action::ScrollPage(forward) => self.scroll_by_page(forward),
            Action::First => self.go_to_end(false),
            Action::Last => self.go_to_end(true),
            Action::Cancel => self.cancel(),
            Action::Help => self.toggle_help(),
            Action::Search => self.ask(Prompt::Search, self.table.search.clone()),
            Action::EditMetrics => self.ask(Prompt::Metrics, self.own.join(" ")),
            Action::OrderBy(column) => self.order_by(column),
            Action::OrderBeside(forward) => self.order_beside(forward),
            Action::Reverse => self.order_by(self.table.order.column),
            Action::Tree => self.toggle_tree(),
            Action::Group => self.group(),
            Action::End => self.ask_to_end(),
            Action::Confirm(signal) => return self.end(signal),
            Action::Pause => self.pause(),
            Action::GoInTime(columns) => self.recording.go_by(columns),
            Action::Zoom(is_longer) => self.recording.cursor.zoom_by(is_longer),
            Action::Faster => self.change_interval(false),
            Action::Slower => self.change_interval(true),
            Action::Save => self.save(),
            Action::Click(column, row) => self.click(column, row),
            Action::Type(typed) => self.edit(|line| {
                let is_short = |line: &String| line.len() < LONGEST_LINE;
                for c in typed.chars().filter(|c| !c.is_control()) {
                    if is_short(line) {
                        line.push(c);
                    }
                }
            }),
            Action::Erase => self.edit(|line| {
                line.pop();
            }),
            Action::EraseAll => self.edit(String::clear),
            Action::Submit => self.submit(),
        }
        None
    }

    fn has_table(&self) -> bool {
        self.page.has_table() && self.mode == Mode::Normal
    }

    fn show(&mut self, page: Page) {
        self.mode = Mode::Normal;
        if self.page == page || !self.pages.contains(&page) {
            return;
        }
        let had_groups = self.page == Page::Applications;
        self.page = page;
        self.table.is_brief = page == Page::OVERVIEW;
        self.scroll = 0;
        self.report = None;
        if had_groups || page == Page::Applications {
            self.table.clear();
            self.table.select_nothing();
        }
        self.begin();
        self.arrange();
    }

    fn show_beside(&mut self, steps: usize) {
        let at = self.pages.iter().position(|page| *page == self.page);
        let to = at.unwrap_or(0).saturating_add(steps);
        let to = to.checked_rem(self.pages.len()).unwrap_or(0);
        if let Some(page) = self.pages.get(to) {
            self.show(*page);
        }
    }

    fn go_beside(&mut self, forward: bool) {
        match (self.has_table(), forward) {
            (true, forward) => self.order_beside(forward),
            (false, true) => self.show_beside(1),
            (false, false) => self.show_beside(self.pages.len().saturating_sub(1)),
        }
    }

    fn scroll_by(&mut self, rows: isize) {
        match self.has_table() {
            true => self.table.select_by(rows),
            false => self.scroll = self.scroll.saturating_add_signed(rows),
        }
    }

    fn scroll_by_page(&mut self, forward: bool) {
        if self.has_table() {
            return self.table.select_by_page(forward);
        }
        let rows = isize::try_from(self.area.height / 2).unwrap_or(1).max(1);
        self.scroll_by(if forward { rows } else { rows.saturating_neg() });
    }

    fn go_to_end(&mut self, is_last: bool) {
        match (self.has_table(), is_last) {
            (true, true) => self.table.select_last(),
            (true, false) => self.table.select(0),
            (false, true) => self.scroll = usize::MAX,
            (false, false) => self.scroll = 0,
        }
    }

    fn cancel(&mut self) {
        if self.mode != Mode::Normal {
            self.mode = Mode::Normal;
            self.scroll = 0;
        } else if !self.recording.cursor.is_present() {
            self.recording.cursor.go_to_present();
        } else if self.table.selected().is_some() {
            self.table.select_nothing();
        } else {
            self.table.search.clear();
        }
    }

    fn toggle_help(&mut self) {
        self.mode = match self.mode {
            Mode::Help => Mode::Normal,
            _ => Mode::Help,
        };
        self.scroll = 0;
    }

    fn ask(&mut self, prompt: Prompt, line: String) {
        let has_names = matches!(self.page, Page::OVERVIEW | Page::Processes);
        let makes_sense = match prompt {
            Prompt::Search => has_names,
            Prompt::Metrics => self.page == Page::Metrics,
        };
        if makes_sense {
            self.mode = Mode::Prompt(prompt, line);
        }
    }

    fn edit(&mut self, edit: impl FnOnce(&mut String)) {
        if let Mode::Prompt(_, line) = &mut self.mode {
            edit(line);
        }
    }

    fn submit(&mut self) {
        let Mode::Prompt(prompt, line) = std::mem::replace(&mut self.mode, Mode::Normal) else {
            return;
        };
        match prompt {
            Prompt::Search => {
                self.table.search = line.trim().to_owned();
                self.table.select_nothing();
            }
            Prompt::Metrics => {
                self.own = line.split_whitespace().map(str::to_owned).collect();
                self.scroll = 0;
                self.begin();
                self.arrange();
            }
        }
    }

    fn order_by(&mut self, column: Column) {
        if self.has_table() {
            self.table.order_by(column);
        }
    }

    fn order_beside(&mut self, forward: bool) {
        if self.has_table() {
            let (width, _) = self.table_size;
            let columns = match self.page {
                Page::Applications => Column::of_groups(width),
                _ => self.table.columns_of_processes(width),
            };
            self.table.order_beside(&columns, forward);
        }
    }

    fn toggle_tree(&mut self) {
        if matches!(self.page, Page::OVERVIEW | Page::Processes) {
            self.table.is_tree = !self.table.is_tree;
        }
    }

    fn group(&mut self) {
        if self.page == Page::Applications {
            self.table.grouping = self.table.grouping.next();
            self.table.select_nothing();
        }
    }

    fn ask_to_end(&mut self) {
        if !matches!(self.page, Page::OVERVIEW | Page::Processes) {
            return;
        }
        match self.table.selected_process() {
            Some((pid, start_time, name)) => {
                self.mode = Mode::End {
                    pid,
                    start_time,
                    name,
                };
            }
            None => self.message = Some("Select a process first, by Down or a click".to_owned()),
        }
    }

    fn end(&mut self, signal: i32) -> Option<Request> {
        match std::mem::replace(&mut self.mode, Mode::Normal) {
            Mode::End {
                pid, start_time, ..
            } => Some(Request::End {
                pid,
                start_time,
                signal,
            }),
            _ => None,
        }
    }

    fn pause(&mut self) {
        if self.state != State::Paused {
            self.state = State::Paused;
            return;
        }
        self.state = State::Connecting;
        // The session that follows begins with the history, which has the pause as a gap.
        self.begin();
    }

    fn change_interval(&mut self, is_slower: bool) {
        let now = self.interval;
        let mut steps = INTERVALS.into_iter().map(Duration::from_millis);
        let next = match is_slower {
            true => steps.find(|step| *step > now),
            false => steps.rev().find(|step| *step < now),
        };
        if let Some(next) = next {
            self.interval = next;
            self.begin();
        }
    }

    fn save(&mut self) {
        let mut layout = self
            .layout
            .with(self.page, self.interval, self.table.grouping);
        layout.sort = Some(self.table.order.name());
        layout.tree = self.table.is_tree;
        layout.metrics.clone_from(&self.own);
        self.message = Some(self.file.write(&layout));
    }

    fn click(&mut self, column: u16, row: u16) {
        match self.targets.at(column, row) {
            _ if !matches!(self.mode, Mode::Normal | Mode::Help) => {}
            Some(Target::Tab(page)) => self.show(page),
            Some(Target::Header(column)) => self.order_by(column),
            Some(Target::Row(place)) => self.table.select(place),
            None => {}
        }
    }
}
