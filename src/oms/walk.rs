//! All pages of a list.

use std::collections::HashSet;

use jiff::Timestamp;

use super::error::Inner;
use super::{Action, DataSource, Error, Page, Project};

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

/// Puts pages together and says when there are no more. It does no calls itself.
pub(super) struct Walker<T> {
    action: Action,
    size: u32,
    max_pages: u32,
    walk: Walk<T>,
    seen: HashSet<String>,
    /// Every record that came, repeated ones too: what OMS's own total is compared with.
    received: u64,
}

impl<T: Identified> Walker<T> {
    /// Begins a walk over pages of `size`, at most `max_pages` of them.
    pub fn new(action: Action, size: u32, max_pages: u32) -> Walker<T> {
        let walk = Walk {
            items: Vec::new(),
            server_date: None,
            calls: 0,
        };
        Walker {
            action,
            size,
            max_pages,
            walk,
            seen: HashSet::new(),
            received: 0,
        }
    }

    /// The number of the page to get. A list with more pages than allowed is an error: a part of it is no
    /// list.
    pub fn next(&self) -> Result<u32, Error> {
        if self.walk.calls >= self.max_pages {
            return Err(self.unusable("the list has more pages than this operator reads"));
        }
        Ok(self.walk.calls + 1)
    }

    /// Takes the page in. True if it was the last: short, or empty, or one with an item that is `enough`.
    pub fn add(
        &mut self,
        page: Page<T>,
        mut enough: impl FnMut(&T) -> bool,
    ) -> Result<bool, Error> {
        self.walk.calls += 1;
        if self.walk.calls == 1 {
            self.walk.server_date = page.server_date;
        }
        let count = page.items.len() as u64;
        if count == 0 {
            return Ok(true);
        }
        self.received += count;
        let before = self.walk.items.len();
        let mut stop = false;
        for item in page.items {
            stop |= enough(&item);
            if self.seen.insert(item.id().to_owned()) {
                self.walk.items.push(item);
            }
        }
        if self.walk.items.len() == before {
            return Err(
                self.unusable("a page repeats earlier pages; does this OMS ignore pageNumber?")
            );
        }
        // A server may make smaller pages than it was asked for. Only a page that is short by its own
        // measure, with nothing left by OMS's own count, is the last; a wrong count costs one more call.
        let full = page
            .page_size
            .filter(|own| *own > 0)
            .map_or(self.size, |own| own.min(self.size));
        let short = count < u64::from(full);
        Ok(stop || (short && page.total.is_none_or(|total| total <= self.received)))
    }

    /// What came since it was taken last.
    pub fn take(&mut self) -> Vec<T> {
        std::mem::take(&mut self.walk.items)
    }

    /// OMS's clock at the first page.
    pub fn server_date(&self) -> Option<Timestamp> {
        self.walk.server_date
    }

    /// What came together.
    pub fn finish(self) -> Walk<T> {
        self.walk
    }

    fn unusable(&self, why: &'static str) -> Error {
        Inner::unusable(self.action, why).into()
    }
}

#[cfg(test)]
mod tests {
    use super::super::Class;
    use super::*;

    struct Server {
        ids: Vec<u32>,
        size: u32,
    }

    impl Server {
        fn new(count: u32, size: u32) -> Server {
            Server {
                ids: (0..count).collect(),
                size,
            }
        }

        fn page(&self, number: u32) -> Page<DataSource> {
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
                page_size: Some(self.size),
                total: Some(self.ids.len() as u64),
            }
        }

        fn walk(&self, asked_size: u32, max_pages: u32) -> Result<Walk<DataSource>, Error> {
            drive(asked_size, max_pages, |_| false, |number| self.page(number))
        }
    }

    fn drive(
        size: u32,
        max_pages: u32,
        enough: impl Fn(&DataSource) -> bool,
        fetch: impl Fn(u32) -> Page<DataSource>,
    ) -> Result<Walk<DataSource>, Error> {
        let mut walker = Walker::new(Action::ListDataSource, size, max_pages);
        while !walker.add(fetch(walker.next()?), &enough)? {}
        Ok(walker.finish())
    }

    #[test]
    fn all_pages_are_read_and_no_more_than_needed() {
        for (count, calls) in [(0, 1), (1, 1), (9, 1), (10, 2), (25, 3)] {
            let walk = Server::new(count, 10).walk(10, 100).unwrap();
            assert_eq!((walk.items.len() as u32, walk.calls), (count, calls));
            assert_eq!(walk.server_date, Timestamp::from_second(1).ok());
        }
    }

    #[test]
    fn a_server_that_makes_smaller_pages_is_read_to_its_end() {
        assert_eq!(Server::new(25, 10).walk(150, 100).unwrap().items.len(), 25);
        // It may also keep the size to itself, or the total, but not both.
        let server = Server::new(25, 10);
        let without_size = |n| Page {
            page_size: None,
            ..server.page(n)
        };
        assert_eq!(
            drive(150, 100, |_| false, without_size)
                .unwrap()
                .items
                .len(),
            25
        );
        let without_total = |n| Page {
            total: None,
            ..server.page(n)
        };
        assert_eq!(
            drive(150, 100, |_| false, without_total)
                .unwrap()
                .items
                .len(),
            25
        );
    }

    #[test]
    fn a_total_that_counts_pages_or_too_much_does_no_harm() {
        let server = Server::new(25, 10);
        for total in [0, 3, 1000] {
            let walk = drive(
                10,
                100,
                |_| false,
                |n| Page {
                    total: Some(total),
                    ..server.page(n)
                },
            );
            assert_eq!(walk.unwrap().items.len(), 25, "{total}");
        }
    }

    #[test]
    fn a_record_that_comes_twice_is_kept_once() {
        let mut server = Server::new(20, 10);
        server.ids[10] = 9;
        assert_eq!(server.walk(10, 100).unwrap().items.len(), 19);
    }

    #[test]
    fn a_walk_ends_with_the_page_on_which_enough_is_seen() {
        let server = Server::new(100, 10);
        let walk = drive(10, 100, |item| item.id == "12", |n| server.page(n)).unwrap();
        assert_eq!((walk.items.len(), walk.calls), (20, 2));
    }

    #[test]
    fn a_list_that_cannot_be_read_to_its_end_is_an_error_not_a_shorter_list() {
        let server = Server::new(100, 10);
        assert_eq!(server.walk(10, 5).unwrap_err().class(), Class::Unreadable);
        let error = drive(10, 100, |_| false, |_| server.page(1)).unwrap_err();
        assert!(error.to_string().contains("pageNumber"), "{error}");
    }
}
