//! What a failed call to EC2 means, by its error code: which of the executor's ways goes on from there.
//!
//! Insufficient capacity is HTTP 500, which would be worth trying again if it were anybody else's: the code decides, not
//! the status.

use model::outcome::Outcome;

/// There is no such capacity here and now; another offering may have some. The first eight are Karpenter's (1.14,
/// unavailable offerings); the rest say the same in EC2's list of client and server error codes.
const NO_CAPACITY: [&str; 14] = [
    "InsufficientInstanceCapacity",
    "MaxSpotInstanceCountExceeded",
    "VcpuLimitExceeded",
    "UnfulfillableCapacity",
    "Unsupported",
    "InsufficientFreeAddressesInSubnet",
    "MaxFleetCountExceeded",
    "ReservationCapacityExceeded",
    "InsufficientCapacity",
    "InsufficientHostCapacity",
    "InstanceLimitExceeded",
    "SpotMaxPriceTooLow",
    "MaxScheduledInstanceCapacityExceeded",
    SPOT_ROLE,
];

/// Nobody may make the role that spot instances need; instances at list price need none.
const SPOT_ROLE: &str = "AuthFailure.ServiceLinkedRoleCreationNotPermitted";

/// Fewer calls are asked for.
const TOO_MANY: [&str; 7] = [
    "RequestLimitExceeded",
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "RequestThrottled",
    "EC2ThrottledException",
    "TooManyRequestsException",
];

/// It may have taken effect.
const UNCLEAR: [&str; 5] =
    ["InternalError", "InternalFailure", "ServiceUnavailable", "Unavailable", "RequestTimeout"];

/// Longer messages are cut: EC2 appends kilobytes for its administrators to refusals (Karpenter cuts at as many).
const MESSAGE_CHARS_MAX: usize = 300;

/// A failed call.
#[derive(Clone, Copy, Debug)]
pub struct Failure<'a> {
    /// EC2's error code; empty where there is none.
    pub code: &'a str,
    /// What was said.
    pub message: &'a str,
    /// The HTTP status.
    pub status: u16,
}

/// What came of the call.
pub fn outcome(failure: Failure<'_>) -> Outcome {
    let Failure { code, message, status } = failure;
    if NO_CAPACITY.contains(&code) {
        return Outcome::Unavailable { code: code.to_owned() };
    }
    if code.starts_with("Idempotent") {
        return Outcome::TokenSpent { code: code.to_owned() };
    }
    if TOO_MANY.contains(&code) {
        return Outcome::Throttled;
    }
    if code == "InvalidInstanceID.NotFound" {
        return Outcome::NotFound;
    }
    let message = clip(code, message);
    if UNCLEAR.contains(&code) || code.is_empty() || 500 <= status {
        return Outcome::Unknown { message };
    }
    Outcome::Denied { code: reason(failure).to_owned(), message }
}

/// Karpenter's reason for a condition `Launched` that is not true. EC2's own codes cannot stand there: some hold dots.
pub fn reason(failure: Failure<'_>) -> &'static str {
    let Failure { code, message, .. } = failure;
    let says = |text: &str| message.contains(text);
    match code {
        SPOT_ROLE => "SpotSLRCreationFailed",
        "AuthFailure" if says("image") => "AMIAuthorizationFailure",
        "UnauthorizedOperation"
        | "AccessDenied"
        | "AccessDeniedException"
        | "AuthFailure"
        | "OptInRequired"
        | "Blocked"
        | "InvalidClientTokenId"
        | "SignatureDoesNotMatch"
        | "ExpiredToken"
        | "RequestExpired" => "Unauthorized",
        "InvalidAMIID.Malformed" => "InvalidAMIID",
        "InvalidAMIID.NotFound" | "InvalidAMIID.Unavailable" => "AMINotFound",
        "PendingVerification" => "AccountPendingVerification",
        "InvalidSubnetID.NotFound" => "SubnetResolutionFailed",
        "InvalidParameter" if says("belong to different networks") => {
            "SecurityGroupSubnetVPCMismatch"
        }
        "InvalidParameterValue"
            if says("iamInstanceProfile.name is invalid")
                || says("Invalid IAM Instance Profile") =>
        {
            "InstanceProfileNameInvalid"
        }
        "InvalidParameterValue" if says("User data is limited to") => "UserDataSizeLimitExceeded",
        "InvalidParameterCombination" if says("Free Tier") => "FreeTierIneligible",
        _ => "LaunchFailed",
    }
}

/// The code and the first line of the message, without what is meant for `sts decode-authorization-message`.
fn clip(code: &str, message: &str) -> String {
    let line = message.lines().next().unwrap_or_default();
    let line = line.split("Encoded authorization failure message").next().unwrap_or_default();
    let whole = if code.is_empty() { line.to_owned() } else { format!("{code}: {line}") };
    whole.trim_end().chars().take(MESSAGE_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(code: &str, message: &str, status: u16) -> String {
        match outcome(Failure { code, message, status }) {
            Outcome::Unavailable { code } => format!("unavailable {code}"),
            Outcome::TokenSpent { code } => format!("token spent {code}"),
            Outcome::Denied { code, message } => format!("denied {code} <{message}>"),
            Outcome::Unknown { message } => format!("unknown <{message}>"),
            Outcome::Throttled => "throttled".to_owned(),
            Outcome::NotFound => "not found".to_owned(),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn want_of_capacity_is_final_although_it_comes_as_a_server_error() {
        for code in NO_CAPACITY {
            assert_eq!(of(code, "x", 500), format!("unavailable {code}"));
            assert_eq!(of(code, "x", 400), format!("unavailable {code}"));
        }
    }

    #[test]
    fn a_call_that_may_have_taken_effect_is_not_known() {
        assert_eq!(
            of("InternalError", "An internal error", 500),
            "unknown <InternalError: An internal error>"
        );
        assert_eq!(of("Whatever", "", 503), "unknown <Whatever:>");
        assert_eq!(of("", "connection reset", 0), "unknown <connection reset>");
    }

    #[test]
    fn too_many_calls_are_told_from_other_trouble() {
        assert_eq!(of("RequestLimitExceeded", "Request limit exceeded.", 503), "throttled");
        assert_eq!(of("InvalidInstanceID.NotFound", "", 400), "not found");
        assert_eq!(
            of("IdempotentParameterMismatch", "", 400),
            "token spent IdempotentParameterMismatch"
        );
        assert_eq!(
            of("IdempotentInstanceTerminated", "", 400),
            "token spent IdempotentInstanceTerminated"
        );
    }

    #[test]
    fn a_refusal_bears_karpenters_reason_and_one_short_line() {
        let message = "You are not authorized to perform this operation. Encoded authorization failure message: QUJD";
        assert_eq!(
            of("UnauthorizedOperation", message, 403),
            "denied Unauthorized <UnauthorizedOperation: You are not authorized to perform this operation.>"
        );
        let reasons = [
            ("AuthFailure", "Not authorized for images: [ami-1]", "AMIAuthorizationFailure"),
            ("InvalidAMIID.NotFound", "", "AMINotFound"),
            ("InvalidAMIID.Malformed", "", "InvalidAMIID"),
            (
                "InvalidParameter",
                "Security group sg-1 and subnet subnet-1 belong to different networks.",
                "SecurityGroupSubnetVPCMismatch",
            ),
            (
                "InvalidParameterValue",
                "Value (x) for parameter iamInstanceProfile.name is invalid. Invalid IAM Instance Profile name",
                "InstanceProfileNameInvalid",
            ),
            (
                "InvalidParameterValue",
                "User data is limited to 16384 bytes",
                "UserDataSizeLimitExceeded",
            ),
            (
                "InvalidParameterCombination",
                "The specified instance type is not eligible for Free Tier.",
                "FreeTierIneligible",
            ),
            ("PendingVerification", "", "AccountPendingVerification"),
            ("InvalidParameterValue", "", "LaunchFailed"),
        ];
        for (code, message, wanted) in reasons {
            assert_eq!(reason(Failure { code, message, status: 400 }), wanted, "{code}: {message}");
        }
        assert_eq!(clip("X", &"y".repeat(999)).len(), MESSAGE_CHARS_MAX);
    }
}
