//! Scenarios with the whole product: nothing of joiner runs inside these tests. They are played where `RUN_SLOW_TESTS=1` is set;
//! each has a cluster and an AWS of its own.

mod delivery;
mod ec2_says_no;
mod interruption;
mod story;
mod words;
