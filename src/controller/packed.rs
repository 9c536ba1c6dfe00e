//! Texts that are kept by the ten thousand, and looked at one by one.

use lz4_flex::block::{compress_prepend_size_with_dict, decompress_size_prepended_with_dict};

/// A resource at rest. Most of what is kept of another one is in it too: names of fields, words and messages.
const TYPICAL: &[u8] = include_bytes!("packed/typical.json");

/// A text that takes the less memory the more it is like a resource at rest.
#[derive(Clone)]
pub struct Packed(Box<[u8]>);

impl Packed {
    /// Packs a text.
    pub fn new(text: &[u8]) -> Self {
        Self(compress_prepend_size_with_dict(text, TYPICAL).into_boxed_slice())
    }

    /// The text again.
    pub fn text(&self) -> Vec<u8> {
        decompress_size_prepended_with_dict(&self.0, TYPICAL)
            .expect("what was packed by this program, with the same dictionary")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::api::v1alpha1::MigrationProject;

    #[test]
    fn the_dictionary_is_written_as_resources_are() {
        let typical: MigrationProject = serde_json::from_slice(TYPICAL.trim_ascii_end()).unwrap();
        let written = serde_json::to_string(&typical).unwrap();
        assert_eq!(written.as_bytes(), TYPICAL.trim_ascii_end());
    }

    #[test]
    fn another_resource_at_rest_takes_a_third() {
        let text = String::from_utf8_lossy(TYPICAL)
            .replace("orders", "customers")
            .replace("default", "crm")
            .replace("np_1", "np_7dk3m2pq9xya")
            .replace("-4000-8000-", "-47c1-9e52-")
            .replace("2026-01-02T03:04:05", "2026-11-25T17:21:43")
            .replace("oms.example.com", "oms.internal");
        let packed = Packed::new(text.as_bytes());
        assert_eq!(packed.text(), text.as_bytes());
        let (small, large) = (packed.0.len(), text.len());
        assert!(small * 3 < large, "{small} of {large}");
    }

    proptest! {
        #[test]
        fn nothing_is_lost(text in prop::collection::vec(any::<u8>(), 0..500)) {
            prop_assert_eq!(Packed::new(&text).text(), text);
        }
    }
}
