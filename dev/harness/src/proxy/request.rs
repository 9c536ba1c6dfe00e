//! What the proxy remembers of a request.

use std::fmt;

use bytes::Bytes;
use http::Method;

/// One request that has come through the proxy.
#[derive(Clone, Debug)]
pub struct Request {
    /// HTTP method.
    pub method: Method,
    /// Path, without the query.
    pub path: String,
    /// Query, without the question mark; empty when there is none.
    pub query: String,
    /// Body as it came.
    pub body: Bytes,
    /// HTTP status sent to the client; `None` while there is none, or when the connection was cut.
    pub status: Option<u16>,
    /// What was done to it, such as `cut after`; `None` when it went through untouched.
    pub fault: Option<&'static str>,
}

impl Request {
    /// Whether the answer is a stream without end.
    pub fn is_watch(&self) -> bool {
        self.query
            .split('&')
            .any(|pair| matches!(pair, "watch=true" | "watch=1" | "follow=true"))
    }
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}?{}", self.method, self.path, self.query)?;
        match self.status {
            Some(status) => write!(f, " → {status}")?,
            None => f.write_str(" → no answer")?,
        }
        match self.fault {
            Some(fault) => write!(f, " ({fault})"),
            None => Ok(()),
        }
    }
}
