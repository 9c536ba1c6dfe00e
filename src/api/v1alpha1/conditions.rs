//! Condition types and reasons. Every "no", "not yet" and "done" that the
//! operator says carries a reason from this one list; documentation, events
//! and tests read it too.

/// Declares an enumeration of words for the API with one row for each, so that
/// none can lack its meaning or its place in `ALL`.
macro_rules! words {
    ($(#[$about:meta])* $words:ident { $($name:ident: $meaning:literal,)* }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $words {
            $(#[doc = $meaning] $name,)*
        }

        impl $words {
            /// Every one, in the order of this file.
            pub const ALL: &[$words] = &[$($words::$name),*];

            /// The word in the API.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $($words::$name => stringify!($name),)* }
            }

            /// What it means to a user.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self { $($words::$name => $meaning,)* }
            }
        }

        impl std::fmt::Display for $words {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

words! {
    /// Type of a condition.
    ConditionType {
        Ready: "As declared: the one to look at, and to wait for.",
        Reconciling: "The operator is at work or will try again by itself. Present only while True.",
        Stalled: "A person is needed. What may change in OMS all the same is looked at again, rarely, and goes on by itself then. Present only while True.",
        // True on either end, because `kubectl wait` cannot wait for one condition or another.
        Finished: "The project has come to an end, whichever: done, failed, released or gone.",
        Succeeded: "The project has done its work and ended. False after any other end, Unknown before the end.",
        PrecheckPassed: "OMS's checks before the start have passed. Present where the project has such a step.",
        FullCopied: "The rows that were there at the start are copied. Present where the project has such a step.",
        Verified: "Source and target were compared and do not differ. Present where the project has such a step.",
        CaughtUp: "The lag stays within `spec.readiness.maxLag`. Present where the project follows changes; Unknown while the lag is not known.",
        InSync: "OMS's configuration of the project is what the spec asks for. A difference is never corrected by itself.",
        DeletionPolicyRefused: "The OMSConnection does not allow `spec.deletionPolicy`: deleting this resource leaves the project in OMS. Present only while True.",
        // Of connections.
        Reachable: "Something answers at the address of the OMSConnection and speaks like OMS.",
        CredentialsAccepted: "OMS takes name and password of the OMSConnection. Unknown while it cannot be asked.",
        Throttled: "Calls to the OMS of the OMSConnection are held back, because it asks for fewer or does not answer. Present only while True.",
        IdentityDoubtful: "It is doubted whether the OMS is the one that it was, because many of its projects are not there. Present only while True.",
        Insecure: "The OMSConnection does not protect the password on its way. Present only while True.",
    }
}

words! {
    /// Why a condition or an event is as it is.
    Reason {
        // The way to a running project.
        Creating: "The project is being created in OMS.",
        Recreating: "The project is gone from OMS, and another one is made in its place because the annotation `oms.oceanbase.com/recreate` asks for it.",
        Starting: "The project exists in OMS and is being started.",
        Running: "The project is running, as declared.",
        Pausing: "The project runs and is being paused, as `spec.state` asks.",
        Resuming: "The project is paused or has failed, and is being resumed.",
        Paused: "The project is paused, as declared.",
        Created: "The project exists and is not started, as declared.",
        Finished: "The project has done its work and ended.",
        InProgress: "The project is on its way; this is not decided yet.",
        Succeeded: "The project has done its work and ended.",
        PrecheckPassed: "OMS's checks before the start have passed.",
        PrecheckFailed: "OMS's checks before the start have failed; the message names the item and OMS's advice.",
        FullCopied: "All rows that were there at the start are copied.",
        Verified: "Source and target were compared, and no table differs.",
        TablesDiffer: "Source and target differ in the tables that `status.verification` names.",
        VerificationUnclear: "OMS's comparison of source and target has failed or could not compare some tables.",
        InSync: "OMS has what the spec asks for.",
        Drifted: "Somebody has changed the project's configuration in OMS; `status.drift` names the settings.",
        NotCompared: "The project's configuration has not been compared with the spec yet.",
        LagWithinLimit: "The lag has stayed within `spec.readiness.maxLag` for `stableFor`.",
        LagAboveLimit: "The lag has not stayed within `spec.readiness.maxLag` for `stableFor`.",
        // States of the project in OMS.
        Failed: "OMS reports that the project failed.",
        Retrying: "The project failed and is resumed by itself, as `spec.retry` says; `status.retries` has the time.",
        PausedForLong: "The project has been paused for so long that OMS may soon drop the incremental logs from which it goes on.",
        PausedOutside: "The project was paused in OMS and not from here, or is paused while `state` is `Created`, which resumes nothing; it stays so until somebody wants otherwise.",
        Releasing: "OMS is releasing the project's resources.",
        Released: "The project was released in OMS and has ended for good.",
        ProjectGone: "The project no longer exists in OMS; it is not created again unasked.",
        StatusStale: "The project has not been seen for longer than `--stale-after`, because its OMSConnection is in trouble; it comes back by itself.",
        NotObserved: "This cannot be told at present; the condition Ready says why.",
        StatusUnknown: "OMS reports a status that this version does not know; nothing is done.",
        // Creating and taking over.
        NameConflict: "A project in OMS has this name already, and `adopt` would take it over; or another resource comes first for the name.",
        AdoptNotFound: "The project that `adopt` names does not exist in OMS.",
        AdoptRefused: "The connection's `adoption` does not allow this resource to take over projects.",
        ProjectClaimed: "The project that `adopt` asks for belongs to another resource.",
        CreateUnknown: "OMS may or may not have created the project, and all looking has not told; the operator does not try again by itself.",
        CreateRejected: "OMS refused to create the project.",
        CreateAmbiguous: "More than one project could be the one that was created; a person must choose.",
        RestoredWithoutProject: "This resource is a restored copy whose project is not in OMS; it is not created again.",
        RestoreAmbiguous: "This resource is a restored copy and more than one project could be its own.",
        ReservationInvalid: "The create reservation on this resource cannot be read; nothing is created.",
        SpecChangedDuringCreate: "The spec was changed while the project was being created; revert it, or make a new resource.",
        // What the resource refers to.
        EndpointChanged: "The connection now names another OMS than the one that holds the project, or than the one in which its creation was begun.",
        IdentityDoubtful: "Many projects have vanished from the OMS at once, or none was found under its new address: it may be another OMS. None of them counts as gone.",
        EndpointNotFound: "No data source in OMS has the name that the spec gives.",
        EndpointAmbiguous: "More than one data source in OMS has the name that the spec gives.",
        ConnectionNotFound: "The OMSConnection does not exist.",
        ConnectionNotAllowed: "The OMSConnection does not allow this namespace.",
        ConnectionNotReady: "The OMSConnection is being deleted.",
        Suspended: "A change is due in OMS, or would be made there, and `spec.suspend` of the resource or of its connection keeps the operator from it.",
        NoConnection: "The spec names no connection, and the operator has no default one.",
        InvalidSpec: "The spec cannot be made into a request.",
        Deleting: "The resource is being deleted.",
        DeletionTimedOut: "The resource is being deleted, its `deletionPolicy` could not be carried out within `deletionTimeout`, and `onDeletionTimeout` is Block.",
        PolicyNotAllowed: "The OMSConnection's `allowedDeletionPolicies` lacks the `deletionPolicy` of this resource.",
        // Talking to OMS.
        ActionMissing: "This OMS does not know an action that is needed.",
        OmsUnreachable: "The OMS cannot be reached.",
        CertificateInvalid: "The certificate of the OMS is expired, of another name, or from an authority that is not trusted.",
        NotOms: "What answers at the address does not speak like OMS: a proxy, a login page, another server.",
        Throttled: "The OMS asks for fewer calls.",
        CircuitOpen: "The OMS has left several calls in a row unanswered: until it answers again, one sweep at a time goes out, and no other call.",
        AuthenticationFailed: "The OMS refused the credentials, or the account lacks a right.",
        OmsError: "The OMS answered with an error.",
        // Connections.
        Connected: "The OMS answers and accepts the credentials.",
        SecretMissing: "The Secret with the credentials does not exist. It may be on its way: Stalled after 5 minutes.",
        SecretInvalid: "The Secret lacks `username` or `password`, or they are not text.",
        AccessDenied: "The operator's account may not read the Secret or ConfigMap that the connection names.",
        SecretUnreadable: "The API server does not give the operator the Secret or ConfigMap that the connection names; it is asked again.",
        CaMissing: "The Secret or ConfigMap with the certificate authority, or its key, does not exist. It may be on its way: Stalled after 5 minutes.",
        CaInvalid: "The certificate authority is not in PEM form.",
        UrlInvalid: "The URL cannot be used.",
        InsecureTransport: "The URL is http://, so the password travels readable.",
        // Events only.
        CreateUnsettled: "It is not known yet whether a create took effect, because OMS's answer was lost or unclear; the project is looked for, and the note says until when and what comes then.",
        ForeignReservation: "The create reservation was copied from another resource and is ignored.",
        SurplusProject: "A second project was made in a race and is removed again.",
        ProjectCreated: "The project was created in OMS.",
        ProjectPaused: "The project was paused in OMS, from here.",
        ProjectResumed: "The project was resumed in OMS, from here.",
        ProjectReleased: "The resource is gone, and its project was released in OMS, as `deletionPolicy` asks.",
        ProjectDeleted: "The resource is gone, and so is its project, as `deletionPolicy` asks.",
        ProjectAdopted: "An existing project was taken over.",
        LeftInOms: "The resource is gone, and its project stays in OMS, or one may; the note says why.",
    }
}

#[cfg(test)]
mod tests {
    use super::{ConditionType, Reason};

    #[test]
    fn every_condition_is_a_distinct_word_with_a_sentence() {
        let words: std::collections::BTreeSet<_> = ConditionType::ALL
            .iter()
            .map(|type_| type_.as_str())
            .collect();
        assert_eq!(words.len(), ConditionType::ALL.len());
        for type_ in ConditionType::ALL {
            assert!(
                type_.meaning().ends_with('.'),
                "{type_} lacks a whole sentence"
            );
        }
    }

    #[test]
    fn every_reason_is_a_distinct_word_with_a_sentence() {
        let words: std::collections::BTreeSet<_> =
            Reason::ALL.iter().map(|reason| reason.as_str()).collect();
        assert_eq!(words.len(), Reason::ALL.len());
        for reason in Reason::ALL {
            let word = reason.as_str();
            assert!(
                word.starts_with(|first: char| first.is_ascii_uppercase())
                    && word.chars().all(|letter| letter.is_ascii_alphanumeric()),
                "{word} is not CamelCase"
            );
            assert!(
                reason.meaning().ends_with('.'),
                "{word} lacks a whole sentence"
            );
        }
    }
}
