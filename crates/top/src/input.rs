//! Keys and the mouse become actions.

use crossterm::event::{
    Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseButton, MouseEvent, MouseEventKind,
};

use crate::{action::Action, application::Mode, pages::Page, processes::columns::Column};

/// The rows of a notch of the wheel.
const NOTCH: isize = 3;

/// The columns of a long step in time.
const SCREEN: i64 = 30;

/// SIGTERM.
const TERMINATE: i32 = 15;
/// SIGKILL.
const KILL: i32 = 9;

/// The action of an event, if it means something in this mode.
pub(crate) fn action(event: Event, mode: &Mode) -> Option<Action> {
    match event {
        Event::Key(key) if key.kind != KeyEventKind::Release => of_key(key, mode),
        Event::Mouse(mouse) => of_mouse(mouse),
        // A pasted text is no command.
        Event::Paste(text) => Some(Action::Type(text)),
        _ => None,
    }
}

fn of_key(key: KeyEvent, mode: &Mode) -> Option<Action> {
    if key.modifiers.contains(KeyModifiers::CONTROL) {
        return match key.code {
            KeyCode::Char('c') => Some(Action::Quit),
            KeyCode::Char('z') => Some(Action::Suspend),
            KeyCode::Char('l') => Some(Action::Redraw),
            KeyCode::Char('u') => Some(Action::EraseAll),
            KeyCode::Char('h') => Some(Action::Erase),
            _ => None,
        };
    }
    match mode {
        Mode::Prompt(..) => of_key_in_prompt(key.code),
        Mode::End { .. } => of_answer(key.code),
        Mode::Help => match key.code {
            KeyCode::Char('q') => Some(Action::Cancel),
            code => of_key_in_page(code),
        },
        Mode::Normal => of_key_in_page(key.code),
    }
}

fn of_key_in_prompt(code: KeyCode) -> Option<Action> {
    Some(match code {
        KeyCode::Char(c) => Action::Type(c.to_string()),
        KeyCode::Backspace => Action::Erase,
        KeyCode::Enter => Action::Submit,
        KeyCode::Esc => Action::Cancel,
        _ => return None,
    })
}

fn of_answer(code: KeyCode) -> Option<Action> {
    match code {
        KeyCode::Char('y') => Some(Action::Confirm(TERMINATE)),
        KeyCode::Char('K') => Some(Action::Confirm(KILL)),
        KeyCode::Char('n' | 'q') | KeyCode::Esc => Some(Action::Cancel),
        _ => None,
    }
}

fn of_key_in_page(code: KeyCode) -> Option<Action> {
    let character = match code {
        KeyCode::Char(character) => character,
        KeyCode::Tab => return Some(Action::NextPage),
        KeyCode::BackTab => return Some(Action::PreviousPage),
        KeyCode::Left => return Some(Action::Beside(false)),
        KeyCode::Right => return Some(Action::Beside(true)),
        KeyCode::Up => return Some(Action::Scroll(-1)),
        KeyCode::Down => return Some(Action::Scroll(1)),
        KeyCode::PageUp => return Some(Action::ScrollPage(false)),
        KeyCode::PageDown => return Some(Action::ScrollPage(true)),
        KeyCode::Home => return Some(Action::First),
        KeyCode::End => return Some(Action::Last),
        KeyCode::Esc => return Some(Action::Cancel),
        KeyCode::F(1) => return Some(Action::Help),
        KeyCode::F(9) | KeyCode::Delete => return Some(Action::End),
        KeyCode::F(10) => return Some(Action::Quit),
        _ => return None,
    };
    Some(match character {
        'q' => Action::Quit,
        '?' | 'h' => Action::Help,
        '/' => Action::Search,
        'e' => Action::EditMetrics,
        '<' | ',' => Action::OrderBeside(false),
        '>' | '.' => Action::OrderBeside(true),
        'P' => Action::OrderBy(Column::Cpu),
        'M' => Action::OrderBy(Column::Memory),
        'N' => Action::OrderBy(Column::Pid),
        'T' => Action::OrderBy(Column::CpuTime),
        'r' | 'R' => Action::Reverse,
        't' => Action::Tree,
        'g' => Action::Group,
        'k' => Action::End,
        'p' | ' ' => Action::Pause,
        '+' | '=' => Action::Faster,
        '-' => Action::Slower,
        '[' => Action::GoInTime(-1),
        ']' => Action::GoInTime(1),
        '{' => Action::GoInTime(-SCREEN),
        '}' => Action::GoInTime(SCREEN),
        'z' => Action::Zoom(true),
        'Z' => Action::Zoom(false),
        'W' => Action::Save,
        key => {
            let page = Page::ALL.into_iter().find(|page| page.key() == key);
            return page.map(Action::Show);
        }
    })
}

fn of_mouse(mouse: MouseEvent) -> Option<Action> {
    match mouse.kind {
        MouseEventKind::Down(MouseButton::Left) => Some(Action::Click(mouse.column, mouse.row)),
        MouseEventKind::ScrollUp => Some(Action::Wheel(-NOTCH)),
        MouseEventKind::ScrollDown => Some(Action::Wheel(NOTCH)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(code: KeyCode, mode: &Mode) -> Option<Action> {
        action(Event::Key(KeyEvent::new(code, KeyModifiers::NONE)), mode)
    }

    #[test]
    fn every_page_has_its_key() {
        for page in Page::ALL {
            let shown = key(KeyCode::Char(page.key()), &Mode::Normal);
            assert_eq!(shown, Some(Action::Show(page)));
        }
    }

    #[test]
    fn keys_mean_what_the_mode_says() {
        let end = Mode::End {
            pid: 1,
            start_time: 2,
            name: String::new(),
        };
        let check = |key_code, mode: &Mode, expected| assert_eq!(key(key_code, mode), expected);
        check(KeyCode::Char('k'), &Mode::Normal, Some(Action::End));
        check(KeyCode::Char('k'), &end, None);
        check(KeyCode::Enter, &end, None);
        check(KeyCode::Char('y'), &end, Some(Action::Confirm(15)));
        check(KeyCode::Char('n'), &end, Some(Action::Cancel));
        let prompt = Mode::Prompt(crate::application::Prompt::Search, String::new());
        let typed = Some(Action::Type("q".to_owned()));
        check(KeyCode::Char('q'), &prompt, typed);
        check(KeyCode::Char('q'), &Mode::Normal, Some(Action::Quit));
        let pasted = action(Event::Paste("qk".to_owned()), &Mode::Normal);
        assert_eq!(pasted, Some(Action::Type("qk".to_owned())));
    }
}
