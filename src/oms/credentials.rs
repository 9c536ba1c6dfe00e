//! The user name and password of an OMS account.

use std::fmt;

use base64::Engine;
use http::HeaderValue;
use secrecy::{ExposeSecret, SecretString};

/// A user name and a password that fit into HTTP Basic authentication. Neither is ever printed.
#[derive(Clone)]
pub struct Credentials {
    username: String,
    password: SecretString,
}

/// Why a user name and a password cannot be used. Neither is repeated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CredentialsError {
    /// No user name.
    #[error("the user name is empty")]
    NoUsername,
    /// No password.
    #[error("the password is empty")]
    NoPassword,
    /// HTTP Basic ends the user name at the first colon.
    #[error("the user name contains a colon, which HTTP Basic authentication cannot carry")]
    Colon,
    /// A line break or another control character, mostly from `echo` without `-n`.
    #[error(
        "the {0} contains a line break or another control character; write the Secret without a trailing newline"
    )]
    Control(&'static str),
}

impl Credentials {
    /// Checks and takes a user name and a password.
    pub fn new(
        username: impl Into<String>,
        password: impl Into<SecretString>,
    ) -> Result<Credentials, CredentialsError> {
        let (username, password) = (username.into(), password.into());
        if username.is_empty() {
            return Err(CredentialsError::NoUsername);
        }
        if password.expose_secret().is_empty() {
            return Err(CredentialsError::NoPassword);
        }
        if username.contains(':') {
            return Err(CredentialsError::Colon);
        }
        if username.chars().any(char::is_control) {
            return Err(CredentialsError::Control("user name"));
        }
        if password.expose_secret().chars().any(char::is_control) {
            return Err(CredentialsError::Control("password"));
        }
        Ok(Credentials { username, password })
    }

    /// Whether both are the same account with the same password, so that a rotation is noticed.
    pub fn same(&self, other: &Credentials) -> bool {
        self.username == other.username
            && self.password.expose_secret() == other.password.expose_secret()
    }

    /// The `Authorization` header, marked as sensitive so that no `Debug` prints it.
    pub(super) fn header(&self) -> HeaderValue {
        let mut value = HeaderValue::from_str(&format!("Basic {}", self.token()))
            .expect("base64 has no character that a header value refuses");
        value.set_sensitive(true);
        value
    }

    /// Every text that would give the account away in a message, longest first.
    pub(super) fn secrets(&self) -> Vec<String> {
        let engine = base64::engine::general_purpose::STANDARD;
        let password = self.password.expose_secret();
        let mut secrets = vec![self.token(), engine.encode(password), password.to_owned()];
        secrets.sort_by_key(|s| std::cmp::Reverse(s.len()));
        secrets
    }

    /// The user name, which is left out of messages where it stands as a word.
    pub(super) fn username(&self) -> &str {
        &self.username
    }

    fn token(&self) -> String {
        base64::engine::general_purpose::STANDARD.encode(format!(
            "{}:{}",
            self.username,
            self.password.expose_secret()
        ))
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rotation_of_either_part_is_noticed() {
        let one = Credentials::new("admin", "one").unwrap();
        assert!(one.same(&Credentials::new("admin", "one").unwrap()));
        assert!(!one.same(&Credentials::new("admin", "two").unwrap()));
        assert!(!one.same(&Credentials::new("root", "one").unwrap()));
    }

    #[test]
    fn credentials_that_basic_authentication_cannot_carry_are_refused() {
        for (username, password, error) in [
            ("", "x", CredentialsError::NoUsername),
            ("admin", "", CredentialsError::NoPassword),
            ("ad:min", "x", CredentialsError::Colon),
            ("admin\n", "x", CredentialsError::Control("user name")),
            ("admin", "x\n", CredentialsError::Control("password")),
        ] {
            assert_eq!(Credentials::new(username, password).unwrap_err(), error);
        }
    }

    #[test]
    fn neither_the_account_nor_its_header_is_ever_printed() {
        let credentials = Credentials::new("planted-user", "planted-password").unwrap();
        let header = credentials.header();
        let printed = format!("{credentials:?} {header:?}");
        assert!(!printed.contains("planted"), "{printed}");
        assert!(!printed.contains(&credentials.token()), "{printed}");
        // The example of RFC 7617, section 2.
        let known = Credentials::new("Aladdin", "open sesame").unwrap();
        assert_eq!(known.header(), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
    }
}
