//! All pages of a list.

use std::collections::HashSet;

use jiff::Timestamp;

use super::codes::{Class, Retry};
use super::error::Inner;
use super::{Action, DataSource, Error, Page, Problem, Project};

/// What all pages together hold.
///
/// OMS has no cursor: a record that is removed during the walk can push another one over a page's edge. What
/// is missing here is therefore only a hint; ask for a project by its id before believing that it is gone.
#[derive(Clone, Debug, PartialEq)]
pub struct Walk<T> {
    /// Everything, in OMS's order, each id once.
    pub items: Vec<T>,
    /// OMS's clock at the first page.
    pub server_date: Option<Timestamp>,
    /// How many calls it took.
    pub calls: u32,
}

/// What a list consists of.
pub trait Identified {
    /// The id that tells it from all others.
    fn id(&self) -> &str;
}

impl Identified for Project {
    fn id(&self) -> &str {
        &self.id
    }
}

impl Identified for DataSource {
    fn id(&self) -> &str {
        &self.id
    }
}

/// Gets page after page until one is short, or empty, or `enough` says so of an item on it. An error on any page is the
/// error of the walk: a part of a list is no list.
pub(super) async fn walk<T: Identified>(
    action: Action,
    size: u32,
    max_pages: u32,
    mut enough: impl FnMut(&T) -> bool,
    fetch: impl AsyncFn(u32) -> Result<Page<T>, Error>,
) -> Result<Walk<T>, Error> {
    let mut walk = Walk {
        items: Vec::new(),
        server_date: None,
        calls: 0,
    };
    let mut seen: HashSet<String> = HashSet::new();
    // Every record that came, repeated ones too: what OMS's own total is compared with.
    let mut received: u64 = 0;
    for number in 1..=max_pages {
        let page = fetch(number).await?;
        walk.calls = number;
        if number == 1 {
            walk.server_date = page.server_date;
        }
        let count = page.items.len();
        if count == 0 {
            return Ok(walk);
        }
        received += count as u64;
        let before = walk.items.len();
        let mut stop = false;
        for item in page.items {
            stop |= enough(&item);
            if seen.insert(item.id().to_owned()) {
                walk.items.push(item);
            }
        }
        if walk.items.len() == before {
            return Err(unusable(
                action,
                "a page repeats earlier pages; does this OMS ignore pageNumber?",
            ));
        }
        // A server may make smaller pages than it was asked for, and say so or not: only a page that is short
        // by its own measure, with nothing left by OMS's count, is the last.
        let full = page
            .page_size
            .filter(|own| *own > 0)
            .map_or(size, |own| own.min(size));
        let short = (count as u64) < u64::from(full);
        if stop || (short && page.total.is_none_or(|total| total <= received)) {
            return Ok(walk);
        }
    }
    Err(unusable(
        action,
        "the list has more pages than this operator reads",
    ))
}

fn unusable(action: Action, why: &'static str) -> Error {
    Inner::new(
        action,
        Problem::Unusable(why),
        Class::Unreadable,
        Retry::BackOff,
    )
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;

    struct Server {
        ids: Vec<u32>,
        size: u32,
        says: bool,
        asked: RefCell<Vec<u32>>,
    }

    impl Server {
        fn new(count: u32, size: u32) -> Server {
            Server {
                ids: (0..count).collect(),
                size,
                says: true,
                asked: RefCell::default(),
            }
        }

        fn page(&self, number: u32) -> Page<DataSource> {
            self.asked.borrow_mut().push(number);
            let from = ((number - 1) * self.size) as usize;
            let items = self.ids.iter().skip(from).take(self.size as usize);
            Page {
                items: items
                    .map(|id| DataSource {
                        id: id.to_string(),
                        ..DataSource::default()
                    })
                    .collect(),
                server_date: Timestamp::from_second(i64::from(number)).ok(),
                page_number: Some(number),
                page_size: self.says.then_some(self.size),
                total: self.says.then_some(self.ids.len() as u64),
            }
        }

        async fn walk(&self, asked_size: u32, max: u32) -> Result<Walk<DataSource>, Error> {
            walk(
                Action::ListDataSource,
                asked_size,
                max,
                |_| false,
                async |n| Ok(self.page(n)),
            )
            .await
        }
    }

    #[tokio::test]
    async fn all_pages_are_read_and_no_more_than_needed() {
        for (count, calls) in [(0, 1), (1, 1), (9, 1), (10, 2), (25, 3)] {
            let server = Server::new(count, 10);
            let walk = server.walk(10, 100).await.unwrap();
            assert_eq!((walk.items.len() as u32, walk.calls), (count, calls));
            assert_eq!(walk.server_date, Timestamp::from_second(1).ok());
        }
    }

    #[tokio::test]
    async fn a_server_that_makes_smaller_pages_is_read_to_its_end() {
        let server = Server::new(25, 10);
        assert_eq!(server.walk(150, 100).await.unwrap().items.len(), 25);
    }

    #[tokio::test]
    async fn a_record_that_comes_twice_is_kept_once() {
        let mut server = Server::new(20, 10);
        server.ids[10] = 9;
        assert_eq!(server.walk(10, 100).await.unwrap().items.len(), 19);
    }

    #[tokio::test]
    async fn a_walk_ends_where_enough_is_seen() {
        let server = Server::new(100, 10);
        let enough = |item: &DataSource| item.id == "12";
        let found = walk(Action::ListDataSource, 10, 100, enough, async |n| {
            Ok(server.page(n))
        })
        .await
        .unwrap();
        assert_eq!((found.items.len(), found.calls), (20, 2));
    }

    #[tokio::test]
    async fn a_list_that_cannot_be_read_to_its_end_is_an_error_not_a_shorter_list() {
        let server = Server::new(100, 10);
        assert_eq!(
            server.walk(10, 5).await.unwrap_err().class(),
            Class::Unreadable
        );

        let deaf = async |_: u32| Ok(server.page(1));
        let error = walk(Action::ListDataSource, 10, 100, |_| false, deaf)
            .await
            .unwrap_err();
        assert!(error.to_string().contains("pageNumber"), "{error}");
    }
}
