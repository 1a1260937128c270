//! What an answer of the API server means.

use super::wire::{Failure, Refusal};
use model::outcome::Outcome;
use reconciler::ports::ObserveError;

/// The port's name in messages.
const SERVICE: &str = "Kubernetes";

/// The cause that an eviction's 429 names when it is a PodDisruptionBudget that forbids it (Kubernetes documentation,
/// "API-initiated Eviction"); one without is the API server asking to be called less often.
const BUDGET: &str = "DisruptionBudget";

/// What came of a change.
pub(super) fn of_change(failure: Failure) -> Outcome {
    let refusal = match failure {
        Failure::Lost(message) => return Outcome::Unknown { message },
        Failure::Refused(refusal) => refusal,
    };
    let Refusal { code, reason, message, details } = refusal;
    match code {
        404 => Outcome::NotFound,
        409 => Outcome::Conflict,
        // A patch that names another uid than the object's would change what may not be changed.
        422 if details.causes.iter().any(|cause| cause.field == "metadata.uid") => {
            Outcome::Conflict
        }
        429 if details.causes.iter().any(|cause| cause.reason == BUDGET) => {
            Outcome::Blocked { retry: true, message }
        }
        429 => Outcome::Throttled,
        400..=499 => Outcome::Denied { code: reason, message },
        _ => Outcome::Unknown { message: format!("{code} {reason}: {message}") },
    }
}

/// What came of an eviction. A pod with several budgets is an error of the server (500) that waiting does not mend.
pub(super) fn of_eviction(failure: Failure) -> Outcome {
    match failure {
        Failure::Refused(Refusal { code: 500, message, .. })
            if message.contains("PodDisruptionBudget") =>
        {
            Outcome::Blocked { retry: false, message }
        }
        Failure::Refused(_) | Failure::Lost(_) => of_change(failure),
    }
}

/// Why the world could not be read.
pub(super) fn of_reading(failure: Failure) -> ObserveError {
    let service = SERVICE;
    let Refusal { code, reason, message, details: _ } = match failure {
        Failure::Lost(message) => return ObserveError::Unreachable { service, message },
        Failure::Refused(refusal) => refusal,
    };
    match code {
        429 => ObserveError::Throttled { service },
        400..=499 => ObserveError::Denied { service, message: format!("{reason}: {message}") },
        _ => ObserveError::Unreachable { service, message: format!("{code} {reason}: {message}") },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};
    use http::StatusCode;
    use std::fmt::Debug;
    use std::fmt::Write;

    /// What each answer means; a line is a status and a body.
    fn check<T: Debug>(meaning: impl Fn(Failure) -> T, answers: &[(u16, &str)], expected: &Expect) {
        let mut text = String::new();
        for (code, body) in answers {
            let status = StatusCode::from_u16(*code).unwrap();
            let meant = meaning(Failure::Refused(Refusal::read(status, body.as_bytes())));
            writeln!(text, "{code} {meant:?}").unwrap();
        }
        writeln!(text, "--- {:?}", meaning(Failure::Lost("connection reset".into()))).unwrap();
        expected.assert_eq(&text);
    }

    #[test]
    fn every_answer_to_a_change_has_an_outcome() {
        let answers = [
            (404, r#"{"reason":"NotFound","message":"gone"}"#),
            (409, r#"{"reason":"AlreadyExists","message":"taken"}"#),
            (409, r#"{"reason":"Conflict","message":"the object has been modified"}"#),
            (422, r#"{"reason":"Invalid","details":{"causes":[{"field":"metadata.uid"}]}}"#),
            (422, r#"{"reason":"Invalid","message":"spec is immutable"}"#),
            (429, r#"{"reason":"TooManyRequests","message":"later"}"#),
            (401, r#"{"reason":"Unauthorized","message":"who are you"}"#),
            (403, r#"{"reason":"Forbidden","message":"may not"}"#),
            (500, r#"{"reason":"InternalError","message":"etcd"}"#),
            (503, "upstream"),
        ];
        check(
            of_change,
            &answers,
            &expect![[r#"
                404 NotFound
                409 Conflict
                409 Conflict
                422 Conflict
                422 Denied { code: "Invalid", message: "spec is immutable" }
                429 Throttled
                401 Denied { code: "Unauthorized", message: "who are you" }
                403 Denied { code: "Forbidden", message: "may not" }
                500 Unknown { message: "500 InternalError: etcd" }
                503 Unknown { message: "503 Service Unavailable: upstream" }
                --- Unknown { message: "connection reset" }
            "#]],
        );
    }

    #[test]
    fn an_eviction_is_blocked_by_one_budget_for_now_and_by_two_for_good() {
        let answers = [
            (
                429,
                r#"{"reason":"TooManyRequests","message":"Cannot evict pod as it would violate the pod's disruption budget.","details":{"causes":[{"reason":"DisruptionBudget"}]}}"#,
            ),
            (429, r#"{"reason":"TooManyRequests","message":"too many requests"}"#),
            (
                500,
                r#"{"reason":"InternalError","message":"This pod has more than one PodDisruptionBudget, which the eviction subresource does not support."}"#,
            ),
            (500, r#"{"reason":"InternalError","message":"etcdserver: request timed out"}"#),
        ];
        check(
            of_eviction,
            &answers,
            &expect![[r#"
                429 Blocked { retry: true, message: "Cannot evict pod as it would violate the pod's disruption budget." }
                429 Throttled
                500 Blocked { retry: false, message: "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support." }
                500 Unknown { message: "500 InternalError: etcdserver: request timed out" }
                --- Unknown { message: "connection reset" }
            "#]],
        );
    }

    #[test]
    fn what_cannot_be_read_says_whether_to_come_back() {
        let answers = [
            (403, r#"{"reason":"Forbidden","message":"may not list nodes"}"#),
            (429, r#"{"reason":"TooManyRequests"}"#),
            (504, r#"{"reason":"Timeout","message":"etcd"}"#),
        ];
        check(
            of_reading,
            &answers,
            &expect![[r#"
                403 Denied { service: "Kubernetes", message: "Forbidden: may not list nodes" }
                429 Throttled { service: "Kubernetes" }
                504 Unreachable { service: "Kubernetes", message: "504 Timeout: etcd" }
                --- Unreachable { service: "Kubernetes", message: "connection reset" }
            "#]],
        );
    }
}
