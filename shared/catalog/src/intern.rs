//! Equal texts stored once: thousands of labels share a few hundred keys and values.

use model::name::Text;
use std::collections::BTreeSet;

/// The texts seen so far.
#[derive(Debug, Default)]
pub(crate) struct Interner(BTreeSet<Text>);

impl Interner {
    /// The shared string that is equal to `text`.
    pub(crate) fn text(&mut self, text: &str) -> Text {
        if let Some(known) = self.0.get(text) {
            return Text::clone(known);
        }
        let new = Text::from(text);
        self.0.insert(Text::clone(&new));
        new
    }
}
