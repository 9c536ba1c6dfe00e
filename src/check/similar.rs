//! The word that somebody may have meant.

/// From here on two words are taken for one with a slip: one letter wrong,
/// missing, doubled or swapped in a short word, a few in a long one.
const ALIKE: f64 = 0.9;

/// The most similar of the words, if it is similar enough.
pub fn to<'a>(word: &str, words: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = word.to_lowercase();
    words
        .into_iter()
        .map(|known| (strsim::jaro_winkler(&lower, &known.to_lowercase()), known))
        .filter(|(likeness, _)| *likeness >= ALIKE)
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map(|(_, known)| known)
}
