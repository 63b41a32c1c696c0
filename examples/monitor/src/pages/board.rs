//! The page of the metrics that the user has pinned.

use std::rc::Rc;

use adw::prelude::*;
use gtk::glib;

use sampled_client::Catalog;
use sampled_pages::{Card, Hue, Line, Section};

use super::{Context, Entry, Page, charts::SectionsView};
use crate::{accessible, i18n::gettext, icon};

/// The page.
pub(super) fn entry() -> Entry {
    let title = gettext("Board");
    Entry {
        name: "board",
        title: title.clone(),
        icon: "view-pin-symbolic",
        build: Box::new(move |context| Rc::new(Board::new(context, &title))),
    }
}

/// The pinned metrics, each with its graph.
struct Board {
    context: Context,
    root: adw::Bin,
    view: SectionsView,
    empty: adw::StatusPage,
}

impl Board {
    fn new(context: &Context, title: &str) -> Self {
        let root: adw::Bin = glib::Object::builder()
            .property("accessible-role", gtk::AccessibleRole::Group)
            .build();
        accessible::set_label(&root, title);
        let add = gtk::Button::builder()
            .label(gettext("_Add to Board…"))
            .use_underline(true)
            .halign(gtk::Align::Center)
            .action_name("win.add-metric")
            .css_classes(["pill", "suggested-action"])
            .build();
        let empty = adw::StatusPage::builder()
            .title(gettext("An Empty Board"))
            .description(gettext(
                "Pin any metric here: from the menu of a graph, or from the list of all metrics.",
            ))
            .child(&add)
            .build();
        empty.set_icon_name(icon::existing("view-pin-symbolic"));
        Self {
            context: context.clone(),
            root,
            view: SectionsView::new(context, true),
            empty,
        }
    }
}

impl Page for Board {
    fn widget(&self) -> gtk::Widget {
        self.root.clone().upcast()
    }

    fn refresh(&self) {
        self.view.refresh();
    }

    fn update_catalog(&self) {
        let catalog = self.context.service().catalog();
        let cards: Vec<Card> = {
            let settings = self.context.settings();
            let cards = settings.pinned.iter().enumerate();
            cards
                .map(|(index, id)| card(&catalog, id, Hue::nth(index)))
                .collect()
        };
        let child: &gtk::Widget = match cards.is_empty() {
            true => self.empty.upcast_ref(),
            false => self.view.widget().upcast_ref(),
        };
        self.root.set_child(Some(child));
        self.view.set_sections(vec![Section {
            cards,
            ..Section::default()
        }]);
    }
}

/// The graph of a metric, which may be gone.
fn card(catalog: &Catalog, id: &str, hue: Hue) -> Card {
    let metadata = catalog.metadata(id);
    let name = catalog.full_name(id);
    let notice = match metadata {
        None if !catalog.is_empty() => gettext("This machine does not have this metric now."),
        _ => String::new(),
    };
    Card {
        title: name.clone(),
        object: String::new(),
        lines: vec![Line {
            id: id.to_owned(),
            name,
            hue,
        }],
        unit: metadata
            .map(|metadata| metadata.unit.clone())
            .unwrap_or_default(),
        minimum: metadata.and_then(|metadata| metadata.minimum),
        maximum: metadata.and_then(|metadata| metadata.maximum),
        details: Vec::new(),
        notice,
        is_small: false,
    }
}

#[cfg(test)]
mod tests {
    use sampled_client::Metadata;

    use super::*;

    #[test]
    fn a_metric_that_is_gone_stays_and_says_so() {
        let usage = ("cpu/all/usage".to_owned(), Metadata::default());
        let catalog = Catalog::new([usage].into_iter().collect());
        assert_eq!(card(&catalog, "cpu/all/usage", Hue::Blue).notice, "");
        let gone = card(&catalog, "power/BAT0/charge", Hue::Blue);
        assert_eq!(gone.title, "power/BAT0/charge");
        assert!(!gone.notice.is_empty());
        // Before the first list, nothing is known to be missing.
        assert_eq!(
            card(&Catalog::default(), "power/BAT0/charge", Hue::Blue).notice,
            ""
        );
    }
}
