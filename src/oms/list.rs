//! Requests for one page of a list, and the page that comes back.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

/// What lists are sorted by. OMS's default is the time of creation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SortField {
    /// `gmtCreate`.
    GmtCreate,
    /// `gmtModified`.
    GmtModified,
}

impl SortField {
    const fn as_str(self) -> &'static str {
        match self {
            SortField::GmtCreate => "gmtCreate",
            SortField::GmtModified => "gmtModified",
        }
    }
}

/// The order of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Oldest first.
    Ascending,
    /// Newest first; OMS's default.
    Descending,
}

impl Order {
    /// As OMS spells them; it is `descend`, not `desc`.
    const fn as_str(self) -> &'static str {
        match self {
            Order::Ascending => "asc",
            Order::Descending => "descend",
        }
    }
}

/// A page of projects to ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListProjects {
    search_key: Option<String>,
    status: Vec<String>,
    sort_field: SortField,
    order: Order,
    page_number: u32,
    page_size: u32,
}

impl ListProjects {
    /// The most that OMS gives on one page.
    pub const MAX_PAGE_SIZE: u32 = 150;

    /// All projects, newest first, the first page of the largest size.
    pub fn new() -> ListProjects {
        ListProjects {
            search_key: None,
            status: Vec::new(),
            sort_field: SortField::GmtCreate,
            order: Order::Descending,
            page_number: 1,
            page_size: ListProjects::MAX_PAGE_SIZE,
        }
    }

    /// Only projects whose name or id matches. How OMS matches is not documented: compare what comes back.
    pub fn search_key(mut self, key: impl Into<String>) -> ListProjects {
        self.search_key = Some(key.into());
        self
    }

    /// Only projects in these states. Some servers may ignore it: filter what comes back.
    pub fn status(mut self, status: impl IntoIterator<Item = impl Into<String>>) -> ListProjects {
        self.status = status.into_iter().map(Into::into).collect();
        self
    }

    /// Sorted by this, in this order.
    pub fn sorted(mut self, field: SortField, order: Order) -> ListProjects {
        self.sort_field = field;
        self.order = order;
        self
    }

    /// The page; the first is 1.
    pub fn page_number(mut self, number: u32) -> ListProjects {
        self.page_number = number.max(1);
        self
    }

    /// The size of a page, from 1 to [`MAX_PAGE_SIZE`](Self::MAX_PAGE_SIZE).
    pub fn page_size(mut self, size: u32) -> ListProjects {
        self.page_size = size.clamp(1, ListProjects::MAX_PAGE_SIZE);
        self
    }

    pub(super) fn body(&self) -> Map<String, Value> {
        let mut body = page_body(
            self.sort_field,
            self.order,
            self.page_number,
            self.page_size,
        );
        insert_search(&mut body, self.search_key.as_deref());
        if !self.status.is_empty() {
            body.insert("status".into(), json!(self.status));
        }
        body
    }

    pub(super) fn size(&self) -> u32 {
        self.page_size
    }
}

impl Default for ListProjects {
    fn default() -> ListProjects {
        ListProjects::new()
    }
}

/// A page of data sources to ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListDataSources {
    search_key: Option<String>,
    sort_field: SortField,
    order: Order,
    page_number: u32,
    page_size: u32,
}

impl ListDataSources {
    /// The most that a known client asks for; OMS documents no limit.
    pub const MAX_PAGE_SIZE: u32 = 10;

    /// All data sources, newest first, the first page.
    pub fn new() -> ListDataSources {
        ListDataSources {
            search_key: None,
            sort_field: SortField::GmtCreate,
            order: Order::Descending,
            page_number: 1,
            page_size: ListDataSources::MAX_PAGE_SIZE,
        }
    }

    /// Only data sources whose name or id matches; compare what comes back.
    pub fn search_key(mut self, key: impl Into<String>) -> ListDataSources {
        self.search_key = Some(key.into());
        self
    }

    /// The page; the first is 1.
    pub fn page_number(mut self, number: u32) -> ListDataSources {
        self.page_number = number.max(1);
        self
    }

    /// The size of a page, from 1 to [`MAX_PAGE_SIZE`](Self::MAX_PAGE_SIZE).
    pub fn page_size(mut self, size: u32) -> ListDataSources {
        self.page_size = size.clamp(1, ListDataSources::MAX_PAGE_SIZE);
        self
    }

    pub(super) fn body(&self) -> Map<String, Value> {
        let mut body = page_body(
            self.sort_field,
            self.order,
            self.page_number,
            self.page_size,
        );
        insert_search(&mut body, self.search_key.as_deref());
        body
    }

    pub(super) fn size(&self) -> u32 {
        self.page_size
    }
}

impl Default for ListDataSources {
    fn default() -> ListDataSources {
        ListDataSources::new()
    }
}

fn page_body(field: SortField, order: Order, number: u32, size: u32) -> Map<String, Value> {
    let mut body = Map::new();
    body.insert("sortField".into(), field.as_str().into());
    body.insert("order".into(), order.as_str().into());
    body.insert("pageNumber".into(), number.into());
    body.insert("pageSize".into(), size.into());
    body
}

fn insert_search(body: &mut Map<String, Value>, key: Option<&str>) {
    if let Some(key) = key {
        body.insert("searchKey".into(), key.into());
    }
}

/// One page of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct Page<T> {
    /// What is on it.
    pub items: Vec<T>,
    /// OMS's clock when it answered, from the `Date` header.
    pub server_date: Option<Timestamp>,
    /// The number of the page, as OMS says.
    pub page_number: Option<u32>,
    /// The size that OMS made the page with, if it says so; it may be less than asked.
    pub page_size: Option<u32>,
    /// How many records there are, as OMS says; no proof that there are no more.
    pub total: Option<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_spelled_as_oms_spells_it() {
        let request = ListProjects::new()
            .search_key("shop")
            .status(["RUNNING"])
            .sorted(SortField::GmtModified, Order::Ascending)
            .page_number(2)
            .page_size(1000);
        assert_eq!(
            Value::Object(request.body()),
            json!({"searchKey": "shop", "status": ["RUNNING"], "sortField": "gmtModified", "order": "asc",
                "pageNumber": 2, "pageSize": 150})
        );
        assert_eq!(
            Value::Object(ListDataSources::new().page_number(0).body()),
            json!({"sortField": "gmtCreate", "order": "descend", "pageNumber": 1, "pageSize": 10})
        );
    }
}
