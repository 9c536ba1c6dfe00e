//! The address of an OMS, in the one form that two connections to the same OMS share.

use std::fmt;

/// Longer addresses are a mistake; an HTTP URI could not hold much more than 65,000 characters.
const MAX_LENGTH: usize = 2048;

/// The base URL of an OMS, normalised: scheme and host in lower case, no default port, no trailing `/` or
/// `/api/v2`, no user, query or fragment. Two texts that mean one OMS compare equal.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BaseUrl(String);

/// Why a text is no base URL. The text itself is not repeated: it may hold a password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// Nothing there.
    #[error("the URL is empty; give the address of OMS, such as https://oms.example.com:8089")]
    Empty,
    /// Longer than any address in use.
    #[error("the URL is longer than 2048 characters")]
    TooLong,
    /// White space or control characters.
    #[error("the URL contains white space or a control character; remove it")]
    Space,
    /// No scheme, or another one than http and https.
    #[error(
        "the URL does not begin with https:// or http://; write it like https://oms.example.com:8089"
    )]
    Scheme,
    /// Not a URL.
    #[error("the URL cannot be understood ({0}); write it like https://oms.example.com:8089")]
    Syntax(String),
    /// A user name or a password before the host.
    #[error(
        "the URL contains a user name or password; put them into the Secret and remove them here"
    )]
    UserInfo,
    /// A query or a fragment.
    #[error("the URL contains a query or a fragment; leave out everything from the ? or # on")]
    Query,
}

impl BaseUrl {
    /// Reads and normalises a base URL.
    pub fn parse(text: &str) -> Result<BaseUrl, UrlError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(UrlError::Empty);
        }
        if text.len() > MAX_LENGTH {
            return Err(UrlError::TooLong);
        }
        if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(UrlError::Space);
        }
        let scheme = text.split_once("://").map(|(scheme, _)| scheme);
        if !scheme
            .is_some_and(|s| s.eq_ignore_ascii_case("https") || s.eq_ignore_ascii_case("http"))
        {
            return Err(UrlError::Scheme);
        }
        let url = ::url::Url::parse(text).map_err(|e| UrlError::Syntax(e.to_string()))?;
        // `https://@host` is a user name too, an empty one; `Url` drops it without a word.
        let authority = text
            .split("://")
            .nth(1)
            .and_then(|rest| rest.split(['/', '?', '#', '\\']).next());
        if authority.is_some_and(|a| a.contains('@')) {
            return Err(UrlError::UserInfo);
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(UrlError::Query);
        }
        let path = url.path().trim_end_matches('/');
        let path = path
            .strip_suffix("/api/v2")
            .unwrap_or(path)
            .trim_end_matches('/');
        let origin = url.origin().ascii_serialization();
        let base = format!("{origin}{path}");
        // The host of a URL can be one that an HTTP request cannot name.
        http::Uri::try_from(format!("{base}/api/v2"))
            .map_err(|e| UrlError::Syntax(e.to_string()))?;
        Ok(BaseUrl(base))
    }

    /// The normalised text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the connection is encrypted.
    pub fn is_https(&self) -> bool {
        self.0.starts_with("https://")
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::str::FromStr for BaseUrl {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<BaseUrl, UrlError> {
        BaseUrl::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn normal(text: &str) -> String {
        BaseUrl::parse(text).unwrap().to_string()
    }

    #[test]
    fn texts_that_mean_one_oms_compare_equal() {
        let one = BaseUrl::parse("https://oms.example.com").unwrap();
        for text in [
            "https://oms.example.com/",
            "HTTPS://OMS.Example.COM",
            "https://oms.example.com:443",
            "https://oms.example.com:443//",
            " https://oms.example.com/api/v2 ",
            "https://oms.example.com/api/v2/",
        ] {
            assert_eq!(BaseUrl::parse(text).unwrap(), one, "{text}");
        }
        assert_ne!(BaseUrl::parse("http://oms.example.com").unwrap(), one);
        assert_ne!(BaseUrl::parse("https://oms.example.com:8089").unwrap(), one);
    }

    #[test]
    fn a_path_in_front_of_the_api_is_kept_in_its_case() {
        assert_eq!(
            normal("https://gate.example/OMS/api/v2/"),
            "https://gate.example/OMS"
        );
        assert_eq!(
            normal("https://gate.example/OMS/"),
            "https://gate.example/OMS"
        );
    }

    #[test]
    fn addresses_of_both_families_and_ports_are_kept() {
        assert_eq!(
            normal("http://[2001:DB8::1]:8089/"),
            "http://[2001:db8::1]:8089"
        );
        assert_eq!(normal("http://10.0.0.1:80"), "http://10.0.0.1");
    }

    #[test]
    fn a_wrong_url_is_refused_with_the_reason() {
        for (text, error) in [
            ("", UrlError::Empty),
            ("   ", UrlError::Empty),
            ("oms.example.com:8089", UrlError::Scheme),
            ("ftp://oms.example.com", UrlError::Scheme),
            ("https://oms.exa mple.com", UrlError::Space),
            ("https://oms.example.com/\u{7}", UrlError::Space),
            ("https://admin:hunter2@oms.example.com", UrlError::UserInfo),
            ("https://@oms.example.com", UrlError::UserInfo),
            (
                "https://oms.example.com/api/v2?Action=ListProjects",
                UrlError::Query,
            ),
            ("https://oms.example.com/#top", UrlError::Query),
        ] {
            assert_eq!(BaseUrl::parse(text), Err(error), "{text}");
        }
        assert!(matches!(
            BaseUrl::parse("https://"),
            Err(UrlError::Syntax(_))
        ));
        assert!(matches!(
            BaseUrl::parse("https://host:99999"),
            Err(UrlError::Syntax(_))
        ));
        assert_eq!(
            BaseUrl::parse(&format!("https://h/{}", "x".repeat(3000))),
            Err(UrlError::TooLong)
        );
    }

    #[test]
    fn an_error_does_not_repeat_a_password() {
        let error = BaseUrl::parse("https://admin:hunter2@oms.example.com:99999").unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hunter2"));
    }

    #[test]
    fn normalising_twice_changes_nothing() {
        for text in [
            "https://A/api/v2/api/v2",
            "http://b:80//x//",
            "https://münchen.example/",
        ] {
            let once = normal(text);
            if text.contains("v2/api") {
                // Only one suffix is the API's own; what stands before it is the user's path.
                assert_eq!(once, "https://a/api/v2");
            } else {
                assert_eq!(normal(&once), once);
            }
        }
    }
}
