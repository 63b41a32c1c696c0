//! The actions of the user.

use crate::{pages::Page, processes::columns::Column};

/// An action of the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Quit,
    Suspend,
    Redraw,
    Show(Page),
    NextPage,
    PreviousPage,
    /// Left or right.
    Beside(bool),
    Scroll(isize),
    Wheel(isize),
    ScrollPage(bool),
    First,
    Last,
    Cancel,
    Help,
    Search,
    EditMetrics,
    OrderBy(Column),
    OrderBeside(bool),
    Reverse,
    Tree,
    Group,
    End,
    /// End the process with this signal.
    Confirm(i32),
    Pause,
    /// Move the time cursor by so many columns of the graphs.
    GoInTime(i64),
    /// Show a longer span, or a shorter one.
    Zoom(bool),
    Faster,
    Slower,
    Save,
    /// A click at a column and a row.
    Click(u16, u16),
    Type(String),
    Erase,
    EraseAll,
    Submit,
}
