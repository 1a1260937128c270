//! The simulated EC2 at the pace of the clock on the wall.
//!
//! `sim::handle::WorldHandle` stays the one simulated implementation of the `Cloud` port. Only who tells its world the time is
//! another: here each poll of a call first tells it what the clock says.

use jiff::Timestamp;
use sim::account::{Account, Occurrence};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval};

/// Waits in the simulated EC2 take tens of milliseconds and more; they end late by at most this.
const TICK: Duration = Duration::from_millis(5);

/// An account whose time is the real one.
#[derive(Clone)]
pub struct RealTime {
    account: Account,
    occurred: Rc<RefCell<VecDeque<Occurrence>>>,
}

impl RealTime {
    /// Takes over an account.
    pub fn new(account: Account) -> Self {
        Self { account, occurred: Rc::default() }
    }

    /// The account, to be told what goes wrong and to be asked for handles.
    pub fn account(&self) -> &Account {
        &self.account
    }

    /// Waits for what calls EC2, among others. Whatever it waits for is asked again with each tick.
    pub async fn drive<T>(&self, calls: impl Future<Output = T>) -> T {
        let mut calls = pin!(calls);
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        poll_fn(|context| {
            while ticks.poll_tick(context).is_ready() {}
            self.advance();
            calls.as_mut().poll(context)
        })
        .await
    }

    /// What the world outside has to hear of, oldest first.
    pub fn next(&self) -> Option<Occurrence> {
        self.advance();
        self.occurred.borrow_mut().pop_front()
    }

    /// Waits until there is something to hear of.
    pub async fn hear(&self) -> Occurrence {
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        poll_fn(|context| {
            while ticks.poll_tick(context).is_ready() {}
            self.next().map_or(Poll::Pending, Poll::Ready)
        })
        .await
    }

    fn advance(&self) {
        self.occurred.borrow_mut().extend(self.account.advance(Timestamp::now()));
    }
}
