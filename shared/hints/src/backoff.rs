//! How long to wait before something that failed is tried again.

use jiff::SignedDuration;

/// After the first failure: longer than a lost packet, shorter than anyone notices.
const FIRST_MILLIS: u64 = 250;
/// Doublings until the longest pause, 250 ms * 2^6 = 16 s. A sweep looks at the cluster every minute, so a hint that waits
/// longer than a part of that is of no use.
const DOUBLINGS: u32 = 6;

/// The pause after so many failures in a row. Half of it is fixed and half is drawn, so that those who failed together do
/// not come back together; `random` is any random number.
pub fn pause(failures: u32, random: u64) -> SignedDuration {
    let doublings = failures.saturating_sub(1).min(DOUBLINGS);
    let half = (FIRST_MILLIS << doublings) / 2;
    SignedDuration::from_millis((half + random % (half + 1)).cast_signed())
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    #[test]
    fn pauses_double_and_then_stay() {
        let line = |failures| {
            let half = pause(failures, 0).as_millis();
            let all = pause(failures, u64::try_from(half).unwrap()).as_millis();
            format!("{failures} failures: {half} to {all} ms\n")
        };
        let text: String = [1, 2, 3, 4, 5, 6, 7, 8, 1000, u32::MAX].map(line).concat();
        expect![[r#"
            1 failures: 125 to 250 ms
            2 failures: 250 to 500 ms
            3 failures: 500 to 1000 ms
            4 failures: 1000 to 2000 ms
            5 failures: 2000 to 4000 ms
            6 failures: 4000 to 8000 ms
            7 failures: 8000 to 16000 ms
            8 failures: 8000 to 16000 ms
            1000 failures: 8000 to 16000 ms
            4294967295 failures: 8000 to 16000 ms
        "#]]
        .assert_eq(&text);
    }

    #[test]
    fn no_draw_leaves_the_range() {
        for random in [0, 1, 62, 125, 126, u64::MAX] {
            let pause = pause(1, random).as_millis();
            assert!((125..=250).contains(&pause), "{pause}");
        }
    }
}
