//! What the codes of OMS and the statuses of HTTP mean: the table behind every decision about a failure.
//!
//! A code that is not listed means what [`UNLISTED`] says: try again with back-off, and nobody knows
//! whether the work was done.

use super::Action;

/// Declares an enumeration with one row for each variant, so that none can lack
/// its meaning or its place in `ALL`.
macro_rules! meanings {
    ($(#[$about:meta])* $name:ident { $($variant:ident: $meaning:literal,)* }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name {
            $(#[doc = $meaning] $variant,)*
        }

        impl $name {
            /// Every one.
            pub const ALL: &[$name] = &[$($name::$variant),*];

            /// What it means to a user.
            pub const fn meaning(self) -> &'static str {
                match self { $($name::$variant => $meaning,)* }
            }
        }
    };
}

meanings! {
    /// What kind of failure it is, as far as its handling goes.
    Class {
        Transient: "OMS or the way to it is in trouble; it may work again by itself.",
        Rejected: "OMS refuses the request as it stands; the same request will be refused again.",
        Auth: "The account is wrong or lacks a right.",
        NotFound: "OMS says that the project does not exist. A plain HTTP 404 is not that.",
        Unsupported: "This OMS does not know the action.",
        Throttled: "Too many calls.",
        Unreadable: "What answered does not speak like OMS: a proxy, another server, a wrong address.",
    }
}

impl Class {
    /// A word for metrics and logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Class::Transient => "transient",
            Class::Rejected => "rejected",
            Class::Auth => "auth",
            Class::NotFound => "not_found",
            Class::Unsupported => "unsupported",
            Class::Throttled => "throttled",
            Class::Unreadable => "unreadable",
        }
    }
}

meanings! {
    /// When the call is worth repeating.
    Retry {
        BackOff: "With the usual exponential back-off.",
        Slowly: "Rarely: accounts get locked, and wrong addresses heal by hand.",
        OnChange: "When what was sent has changed; until then only a rare look.",
    }
}

/// What a code says about the work of a mutation that got it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// A refusal before any work, of whichever action.
    Refused,
    /// A refusal before any work, of these actions only.
    RefusedFor(&'static [Action]),
    /// Something failed inside OMS, perhaps after the work: this outweighs an HTTP status that says no.
    MayHaveBegun,
}

/// How a row is matched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pattern {
    /// The whole code.
    Exact(&'static str),
    /// The beginning of the code.
    Prefix(&'static str),
    /// The whole code together with the beginning of the message.
    Message(&'static str, &'static str),
}

/// One row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// What it matches.
    pub pattern: Pattern,
    /// The class of the failure.
    pub class: Class,
    /// When to try again.
    pub retry: Retry,
    /// What it says about a mutation.
    pub effect: Effect,
    /// What a person can do.
    pub advice: &'static str,
}

/// The code that says that a project does not exist (any more).
pub const PROJECT_NOT_FOUND: &str = "GHANA-PROJECT000001";

/// The table; the first row that matches counts.
pub const TABLE: &[Row] = &[
    // Only of calls that name a project: as the answer to CreateProject it could mean that the project
    // just made cannot be read yet.
    Row {
        pattern: Pattern::Exact(PROJECT_NOT_FOUND),
        class: Class::NotFound,
        retry: Retry::OnChange,
        effect: Effect::RefusedFor(&[
            Action::StartProject,
            Action::StopProject,
            Action::ResumeProject,
            Action::ReleaseProject,
            Action::DeleteProject,
        ]),
        advice: "The project does not exist in OMS; it was deleted there, or the connection leads to another OMS.",
    },
    Row {
        pattern: Pattern::Message("PARAM_ERROR", "Connectivity test failed"),
        class: Class::Transient,
        retry: Retry::BackOff,
        effect: Effect::Refused,
        advice: "OMS could not connect to the data source; check its address, account and network.",
    },
    Row {
        pattern: Pattern::Exact("PARAM_ERROR"),
        class: Class::Rejected,
        retry: Retry::OnChange,
        effect: Effect::Refused,
        advice: "Correct the field that the message names.",
    },
    Row {
        pattern: Pattern::Exact("INNER_ERROR"),
        class: Class::Transient,
        retry: Retry::BackOff,
        effect: Effect::MayHaveBegun,
        advice: "OMS failed inside; if it goes on, look for the request id in the log of the OMS console.",
    },
    Row {
        pattern: Pattern::Prefix("GHANA-OPERAT"),
        class: Class::Transient,
        retry: Retry::BackOff,
        effect: Effect::MayHaveBegun,
        advice: "A component of OMS (such as its cluster manager) did not do its part; check that all components run.",
    },
    Row {
        pattern: Pattern::Prefix("GHANA-OPERIE"),
        class: Class::Transient,
        retry: Retry::BackOff,
        effect: Effect::MayHaveBegun,
        advice: "An internal service of OMS failed or is not ready yet; if it goes on, check the components of OMS.",
    },
    Row {
        pattern: Pattern::Prefix("CM-"),
        class: Class::Transient,
        retry: Retry::BackOff,
        effect: Effect::MayHaveBegun,
        advice: "The cluster manager of OMS reports an error; if it goes on, look for the request id in its log.",
    },
];

/// What holds for a code that no row matches; it is never a refusal.
pub const UNLISTED: (Class, Retry, &str) = (
    Class::Transient,
    Retry::BackOff,
    "This operator does not know the code; if it goes on, look for the request id in the log of the OMS console.",
);

/// What holds when the message says that the server does not know the action.
pub const UNSUPPORTED: (Class, Retry, &str) = (
    Class::Unsupported,
    Retry::Slowly,
    "This OMS is too old for the action; upgrade OMS to a version that has it.",
);

/// The row of a code, if one matches. White space around the code does not count.
pub fn find(code: &str, message: Option<&str>) -> Option<&'static Row> {
    let code = code.trim();
    TABLE.iter().find(|row| match row.pattern {
        Pattern::Exact(exact) => code == exact,
        Pattern::Prefix(prefix) => code.starts_with(prefix),
        Pattern::Message(exact, start) => {
            code == exact && message.is_some_and(|m| m.trim_start().starts_with(start))
        }
    })
}

/// What an HTTP status means when the body says nothing better.
pub fn by_status(status: u16) -> (Class, Retry, &'static str) {
    match status {
        401 => (
            Class::Auth,
            Retry::Slowly,
            "Check user name and password in the connection's Secret; OMS may have locked the account.",
        ),
        403 => (
            Class::Auth,
            Retry::Slowly,
            "Give the OMS account the right to do this, or use another account.",
        ),
        407 => (
            Class::Auth,
            Retry::Slowly,
            "The proxy on the way to OMS asks for credentials; go without it or configure it.",
        ),
        429 => (
            Class::Throttled,
            Retry::BackOff,
            "OMS asks for fewer calls; give the connection a longer sweepInterval if it goes on.",
        ),
        413 => (
            Class::Rejected,
            Retry::OnChange,
            "The request is too large for OMS or a proxy before it; name fewer objects or raise that limit.",
        ),
        400 | 415 => (
            Class::Rejected,
            Retry::OnChange,
            "OMS or a proxy before it does not accept the request; check the URL and the spec.",
        ),
        408 | 500..=599 => (
            Class::Transient,
            Retry::BackOff,
            "OMS or a proxy before it is in trouble; check that OMS runs.",
        ),
        200..=299 | 300..=399 | 404 | 405 => (
            Class::Unreadable,
            Retry::Slowly,
            "What answered is not the OMS API; check the connection's URL and any proxy or login page before it.",
        ),
        _ => (
            Class::Unreadable,
            Retry::Slowly,
            "An unexpected answer; check the connection's URL and any proxy before OMS.",
        ),
    }
}

/// Whether a status by itself says that the request was turned away before any work.
pub const fn status_refuses(status: u16) -> bool {
    matches!(
        status,
        300..=399 | 400 | 401 | 403 | 404 | 405 | 413 | 415 | 429
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documented_codes_are_found_with_their_class() {
        for (code, message, class) in [
            ("GHANA-PROJECT000001", None, Class::NotFound),
            ("GHANA-OPERAT000001\n", None, Class::Transient),
            ("GHANA-OPERIE000000", None, Class::Transient),
            ("PARAM_ERROR", Some("name is empty"), Class::Rejected),
            (
                "PARAM_ERROR",
                Some("Connectivity test failed: refused"),
                Class::Transient,
            ),
            ("INNER_ERROR", None, Class::Transient),
            ("CM-RESOAT1111", None, Class::Transient),
        ] {
            assert_eq!(
                find(code, message).map(|row| row.class),
                Some(class),
                "{code}"
            );
        }
        assert_eq!(find("GHANA-PROJECT000002", None), None);
        assert_eq!(find("param_error", None), None);
        assert_eq!(find("", None), None);
    }

    #[test]
    fn only_parameter_errors_refuse_a_create() {
        let refusing: Vec<_> = TABLE
            .iter()
            .filter(|row| match row.effect {
                Effect::Refused => true,
                Effect::RefusedFor(actions) => actions.contains(&Action::CreateProject),
                Effect::MayHaveBegun => false,
            })
            .map(|row| row.pattern)
            .collect();
        assert_eq!(
            refusing,
            [
                Pattern::Message("PARAM_ERROR", "Connectivity test failed"),
                Pattern::Exact("PARAM_ERROR")
            ]
        );
    }

    #[test]
    fn every_row_can_be_reached() {
        for (index, row) in TABLE.iter().enumerate() {
            let found = match row.pattern {
                Pattern::Exact(code) => find(code, None),
                Pattern::Prefix(code) => find(code, None),
                Pattern::Message(code, message) => find(code, Some(message)),
            };
            assert_eq!(found, Some(row), "row {index}");
        }
    }
}
