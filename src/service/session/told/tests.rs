use super::*;
use crate::{source::Roots, sources, store::Store};

/// A selection of three metrics.
fn selection() -> Arc<Selection> {
    let store = Store::new(sources::all(&Roots::default()));
    let ids = ["memory/physical/used", "os/kernel/name", "cpu/all/usage"];
    store.resolve(&ids).unwrap()
}

fn content(text: Option<&str>, faults: &[(usize, Fault)]) -> Arc<Content> {
    let texts = text.map(|text| (1, text.into()));
    Arc::new(Content {
        texts: texts.into_iter().collect(),
        faults: faults.to_vec(),
    })
}

/// A `Changed`: whether it has columns, the texts, and the faults by the first letter of the id.
type Seen = (bool, Vec<String>, Vec<(String, String)>);

/// The `Changed` of this moment.
fn update(
    told: &mut Option<Told>,
    selection: &Arc<Selection>,
    content: &Arc<Content>,
    milliseconds: u64,
) -> Option<Seen> {
    let now = Duration::from_millis(milliseconds);
    let differences = Told::update(told, selection, content, now)?;
    let texts = differences.texts.iter().map(|(_, text)| text.to_string());
    let faults = differences.faults.iter();
    let faults =
        faults.map(|(id, fault)| (id[..1].to_owned(), fault.map_or("", Fault::code).to_owned()));
    Some((
        differences.columns.is_some(),
        texts.collect(),
        faults.collect(),
    ))
}

fn fault(id: &str, code: &str) -> (String, String) {
    (id.to_owned(), code.to_owned())
}

#[test]
fn only_differences_follow_the_whole_state() {
    let selection = selection();
    let mut told = None;
    let mut check = |selection, content: &Arc<Content>, expected| {
        assert_eq!(update(&mut told, selection, content, 0), expected);
    };
    let first = content(Some("Linux"), &[(0, Fault::Denied), (2, Fault::First)]);
    let text = |text: &str| vec![text.to_owned()];
    let denied_and_first = vec![fault("m", "denied"), fault("c", "first")];
    check(
        &selection,
        &first,
        Some((true, text("Linux"), denied_and_first)),
    );
    check(&selection, &first, None);
    check(
        &selection,
        &content(Some("Linux"), &[(0, Fault::Denied), (2, Fault::First)]),
        None,
    );
    let second = content(Some("Linux"), &[(0, Fault::Denied)]);
    check(
        &selection,
        &second,
        Some((false, vec![], vec![fault("c", "")])),
    );
    let third = content(None, &[(0, Fault::Timeout), (1, Fault::Denied)]);
    check(
        &selection,
        &third,
        Some((
            false,
            vec![],
            vec![fault("m", "timeout"), fault("o", "denied")],
        )),
    );
    let fourth = content(Some("Hurd"), &[]);
    check(
        &selection,
        &fourth,
        Some((false, text("Hurd"), vec![fault("m", ""), fault("o", "")])),
    );
    check(
        &selection,
        &third,
        Some((
            false,
            vec![],
            vec![fault("m", "timeout"), fault("o", "denied")],
        )),
    );
    // Other columns: everything, and the ends of faults.
    let store = Store::new(sources::all(&Roots::default()));
    let other = store.resolve(&["os/kernel/name", "cpu/all/usage"]).unwrap();
    let fifth = Arc::new(Content {
        texts: vec![(0, "Hurd".into())],
        faults: vec![],
    });
    check(
        &other,
        &fifth,
        Some((true, text("Hurd"), vec![fault("o", "")])),
    );
}

#[test]
fn stale_is_told_at_most_once_a_second() {
    let selection = selection();
    let mut told = None;
    let mut at = |content: &Arc<Content>, milliseconds| {
        let told = update(&mut told, &selection, content, milliseconds);
        told.map(|(_, _, faults)| faults)
    };
    let (value, stale) = (content(None, &[]), content(None, &[(0, Fault::Stale)]));
    assert_eq!(at(&value, 0), Some(vec![]));
    for frame in 0..100 {
        let content = if frame % 2 == 0 { &stale } else { &value };
        let expected = match frame {
            20 | 62 => Some(vec![fault("m", "stale")]),
            41 | 83 => Some(vec![fault("m", "")]),
            _ => None,
        };
        assert_eq!(at(content, frame * 50), expected, "{frame}");
    }
    // Another fault is told at once, and takes along nothing that is withheld.
    let denied = content(None, &[(0, Fault::Stale), (2, Fault::Denied)]);
    assert_eq!(at(&denied, 5001), Some(vec![fault("c", "denied")]));
    let denied_too = content(None, &[(0, Fault::Denied), (2, Fault::Denied)]);
    assert_eq!(at(&denied_too, 5002), Some(vec![fault("m", "denied")]));
    assert_eq!(at(&denied, 5003), Some(vec![fault("m", "stale")]));
}
