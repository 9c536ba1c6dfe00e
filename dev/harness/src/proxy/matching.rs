//! Which requests a fault is meant for.

use http::Method;

use super::request::Request;

/// A choice of requests; every condition given must hold.
#[derive(Clone, Debug, Default)]
pub struct Match {
    methods: Vec<Method>,
    path_contains: Vec<String>,
    path_ends_with: Option<String>,
    query_contains: Vec<String>,
    body_contains: Vec<String>,
    first: usize,
    times: Option<usize>,
}

impl Match {
    /// Every request.
    pub fn any() -> Match {
        Match::default()
    }

    /// Requests with this method; more than one call adds further methods.
    #[must_use]
    pub fn method(mut self, method: Method) -> Match {
        self.methods.push(method);
        self
    }

    /// Requests that ask for a change: POST, PUT, PATCH and DELETE.
    pub fn writes() -> Match {
        Match {
            methods: vec![Method::POST, Method::PUT, Method::PATCH, Method::DELETE],
            ..Match::default()
        }
    }

    /// `text` is part of the path.
    #[must_use]
    pub fn path_contains(mut self, text: &str) -> Match {
        self.path_contains.push(text.to_owned());
        self
    }

    /// The path ends with `text`.
    #[must_use]
    pub fn path_ends_with(mut self, text: &str) -> Match {
        self.path_ends_with = Some(text.to_owned());
        self
    }

    /// `text` is part of the query, as the client has encoded it.
    #[must_use]
    pub fn query_contains(mut self, text: &str) -> Match {
        self.query_contains.push(text.to_owned());
        self
    }

    /// `text` is part of the body.
    #[must_use]
    pub fn body_contains(mut self, text: &str) -> Match {
        self.body_contains.push(text.to_owned());
        self
    }

    /// From the `n`-th matching request on, counted from 1; just that one, unless [`Match::times`] says more.
    ///
    /// Requests are counted from the moment on at which the fault is added.
    #[must_use]
    pub fn nth(mut self, n: usize) -> Match {
        self.first = n.saturating_sub(1);
        self.times = self.times.or(Some(1));
        self
    }

    /// At most this often.
    #[must_use]
    pub fn times(mut self, times: usize) -> Match {
        self.times = Some(times);
        self
    }

    pub(super) fn fits(&self, request: &Request) -> bool {
        let body_contains = |text: &String| {
            text.is_empty()
                || request
                    .body
                    .windows(text.len())
                    .any(|window| window == text.as_bytes())
        };
        (self.methods.is_empty() || self.methods.contains(&request.method))
            && self
                .path_contains
                .iter()
                .all(|text| request.path.contains(text))
            && self
                .path_ends_with
                .iter()
                .all(|text| request.path.ends_with(text))
            && self
                .query_contains
                .iter()
                .all(|text| request.query.contains(text))
            && self.body_contains.iter().all(body_contains)
    }

    /// Whether the fault is for the matching request of this number, counted from 0.
    pub(super) fn is_due(&self, number: usize) -> bool {
        number >= self.first && self.times.is_none_or(|times| number - self.first < times)
    }
}
